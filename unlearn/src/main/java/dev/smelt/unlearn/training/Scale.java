package dev.smelt.unlearn.training;

import java.util.Locale;

/** How much of a model is trained. */
public enum Scale {
  /** The target experts and the routers of their layers. */
  EXPERT,
  /** Every weight of the target's layer. */
  LAYER,
  /** Every weight of the model. */
  ALL;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }
}
