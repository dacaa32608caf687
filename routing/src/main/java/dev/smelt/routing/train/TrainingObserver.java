package dev.smelt.routing.train;

import java.util.List;

/** Watches a training. */
@FunctionalInterface
public interface TrainingObserver {
  /** Watches nothing. */
  TrainingObserver NONE = point -> {};

  /** A step was made. */
  void stepped(TrainingPoint point);

  /** An earlier run has made these steps, and this one goes on after them. */
  default void resumed(List<TrainingPoint> points) {}
}
