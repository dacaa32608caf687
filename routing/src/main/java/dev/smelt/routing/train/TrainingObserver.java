package dev.smelt.routing.train;

/** Watches a training. */
@FunctionalInterface
public interface TrainingObserver {
  /** Watches nothing. */
  TrainingObserver NONE = point -> {};

  /** A step was made. */
  void stepped(TrainingPoint point);
}
