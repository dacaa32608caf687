package dev.smelt.unlearn.attribution;

import java.util.Locale;

/** How the experts to train are chosen. */
public enum Selection {
  /** Those that the forget set engages most (SEUF). */
  AFFINITY,
  /** Those that the forget set engages most beyond what the retain set does. */
  DIFFERENCE,
  /** At random among those that the forget set is routed to at all: the control. */
  RANDOM;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }
}
