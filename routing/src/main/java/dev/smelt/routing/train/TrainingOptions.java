package dev.smelt.routing.train;

/**
 * How weights are trained.
 *
 * @param schedule number of steps and their rates
 * @param optimiser the constants of AdamW
 * @param clip largest norm of all gradients together; longer ones are shortened; infinite for never
 * @param checkEvery steps between two looks at the held-out tokens
 * @param patience looks without a new best after which the training stops; 0 for never
 * @param saveEvery steps between two stored states
 */
public record TrainingOptions(
    Schedule schedule,
    AdamW.Options optimiser,
    double clip,
    int checkEvery,
    int patience,
    int saveEvery) {
  /** Checks the ranges. */
  public TrainingOptions {
    if (!(clip > 0) || checkEvery < 1 || patience < 0 || saveEvery < 1) {
      throw new IllegalArgumentException(
          "clip %s, check every %d, patience %d, save every %d"
              .formatted(clip, checkEvery, patience, saveEvery));
    }
  }
}
