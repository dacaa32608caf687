package dev.smelt.unlearn.training;

import java.util.List;

/**
 * What a training led to. The trained weights are those of the best check, as they will be stored.
 *
 * @param outcome how it ended
 * @param bestStep the step whose weights were kept; 0 if none was better than the start
 * @param before held-out losses at the start
 * @param after held-out losses of the weights that were kept, in the types in which they are stored
 * @param checks all checks in order, the first one before the first step
 * @param secondsPerStep mean wall time of a step, without checks
 */
public record TrainResult(
    Outcome outcome,
    int bestStep,
    HeldOut before,
    HeldOut after,
    List<Check> checks,
    double secondsPerStep) {
  /** Copies the list. */
  public TrainResult {
    checks = List.copyOf(checks);
  }
}
