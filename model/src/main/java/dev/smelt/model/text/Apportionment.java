package dev.smelt.model.text;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Shares whole things out in proportion to weights, by the largest remainder. */
final class Apportionment {
  private Apportionment() {}

  /**
   * Shares {@code total} things out; what a receiver has no room for goes to the others, again in
   * proportion to their weights. Equal remainders are served in order.
   *
   * @param weights one per receiver, not negative
   * @param room the most that each receiver can take
   * @return one count per receiver; the sum is {@code total}, or all the room of those with a
   *     positive weight if that is less
   */
  static int[] share(int total, double[] weights, int[] room) {
    int[] counts = new int[weights.length];
    int left = total;
    while (left > 0) {
      List<Integer> open =
          IntStream.range(0, weights.length)
              .filter(i -> weights[i] > 0 && counts[i] < room[i])
              .boxed()
              .toList();
      if (open.isEmpty()) {
        break;
      }
      int[] more = proportional(left, open, weights);
      for (int i = 0; i < more.length; i++) {
        int receiver = open.get(i);
        int taken = Math.min(more[i], room[receiver] - counts[receiver]);
        counts[receiver] += taken;
        left -= taken;
      }
    }
    return counts;
  }

  private static int[] proportional(int total, List<Integer> open, double[] weights) {
    double sum = open.stream().mapToDouble(i -> weights[i]).sum();
    double[] exact = open.stream().mapToDouble(i -> total * (weights[i] / sum)).toArray();
    int[] counts = IntStream.range(0, exact.length).map(i -> (int) exact[i]).toArray();
    int left = total - IntStream.of(counts).sum();
    IntStream.range(0, exact.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> counts[i] - exact[i]))
        .limit(left)
        .forEach(i -> counts[i]++);
    return counts;
  }
}
