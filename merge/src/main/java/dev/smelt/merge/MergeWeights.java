package dev.smelt.merge;

import dev.smelt.routing.LayerStatistics;
import java.util.Arrays;
import java.util.Locale;

/** How much each member counts in the average of its group. */
public enum MergeWeights {
  /** By how often it is used. */
  FREQUENCY,
  /** All alike. */
  UNIFORM,
  /** By the sum of gate value times norm of its output. */
  SALIENCY;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The scores of all experts, [E]. */
  public double[] of(LayerStatistics statistics) {
    return switch (this) {
      case FREQUENCY -> statistics.frequency();
      case SALIENCY -> statistics.gatedNormSum();
      case UNIFORM -> {
        double[] ones = new double[statistics.experts()];
        Arrays.fill(ones, 1);
        yield ones;
      }
    };
  }
}
