package dev.smelt.merge;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Order of experts by a score. */
final class Ranking {
  private Ranking() {}

  /** All experts, highest score first; equal scores by index. */
  static List<Integer> descending(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer e) -> -scores[e]).thenComparing(e -> e))
        .toList();
  }

  /** Some experts, highest score first; equal scores by index. */
  static List<Integer> descending(List<Integer> experts, double[] scores) {
    return experts.stream()
        .sorted(Comparator.comparingDouble((Integer e) -> -scores[e]).thenComparing(e -> e))
        .toList();
  }

  /**
   * The experts with the highest scores, ascending by index, the same number in each group of the
   * router.
   *
   * @param count a multiple of {@code groups}
   * @param groups runs of equal length; 1 for none
   */
  static List<Integer> top(double[] scores, int count, int groups) {
    int size = scores.length / groups;
    List<Integer> best = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      int from = g * size;
      double[] own = Arrays.copyOfRange(scores, from, from + size);
      top(own, count / groups).forEach(e -> best.add(from + e));
    }
    return List.copyOf(best);
  }

  /** The {@code count} experts with the highest scores, ascending by index. */
  static List<Integer> top(double[] scores, int count) {
    return descending(scores).stream().limit(count).sorted().toList();
  }
}
