package dev.smelt.routing.repair;

/**
 * How router and experts are fitted by gradients.
 *
 * @param steps number of steps; 0 switches the fit off
 * @param batchTokens tokens of a step
 * @param rate largest step, relative to the scale of each matrix
 * @param warmUp part of the steps over which the rate rises
 * @param checkEvery steps between two looks at the held-out tokens
 * @param seed decides the order of the tokens
 */
public record FitOptions(
    int steps, int batchTokens, double rate, double warmUp, int checkEvery, long seed) {
  /** What holds on every model that was tried. */
  public static final FitOptions DEFAULT = new FitOptions(300, 4096, 0.06, 0.1, 50, 0);

  /** Checks the ranges. */
  public FitOptions {
    if (steps < 0 || batchTokens < 1 || !(rate > 0) || warmUp < 0 || checkEvery < 1) {
      throw new IllegalArgumentException(
          "steps %d, batch %d, rate %s".formatted(steps, batchTokens, rate));
    }
  }

  /** The same with another seed. */
  public FitOptions withSeed(long other) {
    return new FitOptions(steps, batchTokens, rate, warmUp, checkEvery, other);
  }

  /** The rate of a step, counted from 0: a linear rise, then half a cosine down to zero. */
  double rate(int step) {
    double rising = Math.max(1, warmUp * steps);
    if (step < rising) {
      return rate * (step + 1) / (rising + 1);
    }
    return rate * 0.5 * (1 + Math.cos(Math.PI * (step - rising) / Math.max(1, steps - rising)));
  }
}
