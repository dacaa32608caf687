package dev.smelt.routing.train;

import java.util.Locale;

/**
 * How the rate changes over the steps: a linear rise, then a fall to zero.
 *
 * @param rate largest step
 * @param steps number of steps
 * @param warmUp part of the steps over which the rate rises
 * @param decay how it falls
 */
public record Schedule(double rate, int steps, double warmUp, Decay decay) {
  /** How the rate falls. */
  public enum Decay {
    /** Half a cosine. */
    COSINE,
    /** A straight line. */
    LINEAR,
    /** Not at all. */
    NONE;

    /** The name on the command line. */
    public String option() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the ranges. */
  public Schedule {
    if (steps < 0 || !(rate > 0) || !(warmUp >= 0) || warmUp > 1) {
      throw new IllegalArgumentException(
          "steps %d, rate %s, warm-up %s".formatted(steps, rate, warmUp));
    }
  }

  /** The rate of a step, counted from 0. */
  public double at(int step) {
    double rising = Math.max(1, warmUp * steps);
    if (step < rising) {
      return rate * (step + 1) / (rising + 1);
    }
    double passed = (step - rising) / Math.max(1, steps - rising);
    return switch (decay) {
      case COSINE -> rate * 0.5 * (1 + Math.cos(Math.PI * passed));
      case LINEAR -> rate * (1 - passed);
      case NONE -> rate;
    };
  }
}
