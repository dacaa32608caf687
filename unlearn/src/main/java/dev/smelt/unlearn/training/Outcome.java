package dev.smelt.unlearn.training;

import java.util.Locale;

/** How a training ended. */
public enum Outcome {
  /** The stop rule is met. */
  REACHED,
  /** All steps were made before the rule was met. */
  STEPS,
  /** A loss became infinite, or the retain set is as unlikely as random tokens. */
  DIVERGED,
  /** The retain loss stayed above its limit for many checks. */
  STALLED;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
