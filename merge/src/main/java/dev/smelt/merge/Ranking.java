package dev.smelt.merge;

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

  /** The {@code count} experts with the highest scores, ascending by index. */
  static List<Integer> top(double[] scores, int count) {
    return descending(scores).stream().limit(count).sorted().toList();
  }
}
