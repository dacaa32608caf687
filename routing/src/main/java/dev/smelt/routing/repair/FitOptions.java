package dev.smelt.routing.repair;

import dev.smelt.routing.train.AdamW;
import dev.smelt.routing.train.Schedule;
import dev.smelt.routing.train.TrainingOptions;

/**
 * How router and experts are fitted by gradients.
 *
 * @param training steps, rates and looks at held-out tokens; rates are usually relative to the
 *     scale of each matrix
 * @param batchTokens tokens of a step
 * @param trained which weights of the layer
 * @param seed decides the order of the tokens
 */
public record FitOptions(TrainingOptions training, int batchTokens, Trained trained, long seed) {
  private static final int BATCH = 4096;
  private static final int FEWEST_STEPS = 300;
  private static final int MOST_STEPS = 1000;

  /** How often a token is learnt from where that takes neither too few steps nor too many. */
  private static final int PASSES = 4;

  /** Checks the range. */
  public FitOptions {
    if (batchTokens < 1) {
      throw new IllegalArgumentException("batch of " + batchTokens + " tokens");
    }
  }

  /**
   * What holds on every model that was tried: more tokens are worth more steps.
   *
   * @param tokens how many there are
   */
  public static FitOptions forTokens(long tokens) {
    long steps = Math.clamp(PASSES * tokens / BATCH, FEWEST_STEPS, MOST_STEPS);
    return new FitOptions((int) steps, BATCH, 0.06, 0.1, 50, 0);
  }

  /**
   * A fit of router and experts with a cosine of relative rates and without limits.
   *
   * @param steps number of steps; 0 switches the fit off
   * @param batchTokens tokens of a step
   * @param rate largest step, relative to the scale of each matrix
   * @param warmUp part of the steps over which the rate rises
   * @param checkEvery steps between two looks at the held-out tokens
   * @param seed decides the order of the tokens
   */
  public FitOptions(
      int steps, int batchTokens, double rate, double warmUp, int checkEvery, long seed) {
    this(
        new TrainingOptions(
            new Schedule(rate, steps, warmUp, Schedule.Decay.COSINE),
            AdamW.Options.RELATIVE,
            Double.POSITIVE_INFINITY,
            checkEvery,
            0,
            checkEvery),
        batchTokens,
        Trained.ALL,
        seed);
  }

  /** The same with another seed. */
  public FitOptions withSeed(long other) {
    return new FitOptions(training, batchTokens, trained, other);
  }
}
