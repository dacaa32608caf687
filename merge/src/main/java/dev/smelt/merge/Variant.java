package dev.smelt.merge;

import java.util.Locale;

/** Which description of a method is followed where the paper and its authors' code differ. */
public enum Variant {
  /** The paper. */
  PAPER,
  /** The released code. */
  RELEASED;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }
}
