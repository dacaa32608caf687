package dev.smelt.routing.repair;

import java.util.List;

/**
 * How down projections are refitted.
 *
 * @param sweeps passes over the experts at most; fewer when held-out tokens gain no more
 * @param ridges strengths to choose from, relative to the mean diagonal of an expert's Gram matrix
 * @param leastGain a sweep that lowers the held-out error by less than this part is the last
 */
public record RefitOptions(int sweeps, List<Double> ridges, double leastGain) {
  /** What holds on every model that was tried. */
  public static final RefitOptions DEFAULT =
      new RefitOptions(6, List.of(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0), 0.01);

  /** Copies the list. */
  public RefitOptions {
    ridges = List.copyOf(ridges);
    if (sweeps < 0 || ridges.isEmpty() || ridges.stream().anyMatch(r -> !(r > 0))) {
      throw new IllegalArgumentException("sweeps " + sweeps + ", ridges " + ridges);
    }
  }
}
