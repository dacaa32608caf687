package dev.smelt.merge.alignment;

import java.util.Locale;

/** By what the neurons of two experts are matched. */
public enum AlignmentMode {
  /** Neurons stay where they are. */
  NONE,
  /** By the rows of gate and up and the columns of down. */
  WEIGHTS,
  /** By what they compute on the sampled tokens. */
  ACTIVATIONS,
  /** By the sum of both. */
  BOTH;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether weights are compared. */
  public boolean usesWeights() {
    return this == WEIGHTS || this == BOTH;
  }

  /** Whether activations are compared, for which sampled tokens are needed. */
  public boolean usesActivations() {
    return this == ACTIVATIONS || this == BOTH;
  }
}
