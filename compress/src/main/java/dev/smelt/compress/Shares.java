package dev.smelt.compress;

import java.util.Arrays;

/** What experts count for in a mean of their weights. */
final class Shares {
  private Shares() {}

  /** All alike. */
  static double[] uniform(int experts) {
    double[] shares = new double[experts];
    Arrays.fill(shares, 1.0 / experts);
    return shares;
  }

  /** By how often they were chosen; all alike if none was. */
  static double[] of(long... counts) {
    double all = Arrays.stream(counts).sum();
    return all == 0
        ? uniform(counts.length)
        : Arrays.stream(counts).mapToDouble(count -> count / all).toArray();
  }
}
