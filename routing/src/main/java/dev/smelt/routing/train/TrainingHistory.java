package dev.smelt.routing.train;

import java.util.List;

/**
 * How a training went.
 *
 * @param stop why it ended
 * @param bestStep steps after which the held-out loss was lowest; 0 is the start
 * @param heldOutBefore held-out loss at the start
 * @param heldOutAfter the lowest held-out loss
 * @param points the steps
 */
public record TrainingHistory(
    Stop stop,
    int bestStep,
    double heldOutBefore,
    double heldOutAfter,
    List<TrainingPoint> points) {
  /** Why a training ended. */
  public enum Stop {
    /** All steps were made. */
    FINISHED,
    /** The held-out loss did not improve any more. */
    EARLY,
    /** A loss or a gradient was not finite, or the loss grew without bounds. */
    DIVERGED
  }

  /** Copies the list. */
  public TrainingHistory {
    points = List.copyOf(points);
  }

  /** A training without a step. */
  public static TrainingHistory none(double heldOut) {
    return new TrainingHistory(Stop.FINISHED, 0, heldOut, heldOut, List.of());
  }
}
