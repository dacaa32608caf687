package dev.smelt.merge;

import java.util.Locale;

/** How far apart two clusters are, from the distances between their members. */
public enum Linkage {
  /** The mean over all pairs. */
  AVERAGE,
  /** The nearest pair. */
  SINGLE,
  /** The farthest pair. */
  COMPLETE;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The distance of a third cluster to the union of two (Lance and Williams).
   *
   * @param a distance to the first
   * @param b distance to the second
   * @param sizeA members of the first
   * @param sizeB members of the second
   */
  double joined(double a, double b, int sizeA, int sizeB) {
    return switch (this) {
      case AVERAGE -> (sizeA * a + sizeB * b) / (sizeA + sizeB);
      case SINGLE -> Math.min(a, b);
      case COMPLETE -> Math.max(a, b);
    };
  }
}
