package dev.smelt.unlearn.attribution;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * How much two halves of a text, its sequences taken in turn, agree about which experts are engaged
 * most (SEUF, appendix D: the share of the best experts of a layer that both have).
 *
 * @param best experts of each layer that are compared
 * @param overlap mean over layers of the share of the best experts that both halves have
 * @param sameTop share of the layers in which both halves have the same first expert
 */
public record Stability(int best, double overlap, double sameTop) {
  /** A layer's sums of both halves. */
  record Halves(double[] first, double[] second) {}

  static Stability of(List<Halves> layers, int best) {
    double overlap = 0;
    double sameTop = 0;
    for (Halves halves : layers) {
      Set<Integer> shared = new HashSet<>(top(halves.first(), best));
      shared.retainAll(top(halves.second(), best));
      overlap += (double) shared.size() / Math.min(best, halves.first().length);
      sameTop += top(halves.first(), 1).equals(top(halves.second(), 1)) ? 1 : 0;
    }
    return new Stability(best, overlap / layers.size(), sameTop / layers.size());
  }

  /** The positions of the largest values, largest first; equal ones in order. */
  static List<Integer> top(double[] values, int count) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -values[i]))
        .limit(Math.min(count, values.length))
        .toList();
  }

  /** Mean over layers of the share of their best experts that two affinities have in common. */
  public static double overlap(Affinity a, Affinity b, int best) {
    List<Halves> layers =
        IntStream.range(0, a.layers().size())
            .mapToObj(
                i ->
                    new Halves(
                        Arrays.copyOf(a.layers().get(i).affinity(), a.layers().get(i).experts()),
                        b.layers().get(i).affinity()))
            .toList();
    return of(layers, best).overlap();
  }
}
