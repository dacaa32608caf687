package dev.smelt.cli.pipeline;

import dev.smelt.merge.Reducer;
import dev.smelt.routing.RoutingStatistics;

/**
 * How experts are to be reduced, once the statistics are there.
 *
 * @param needs what must be known before
 * @param sequential whether the method, as it is published, plans each layer on what the reduced
 *     layers before it produce
 * @param create makes the reducer
 */
public record ReducerChoice(Knowledge needs, boolean sequential, Factory create) {
  /** What must be known of the router's use of the experts. */
  public enum Knowledge {
    /** Nothing: weights are enough. */
    NOTHING,
    /** The statistics of a layer when that layer is planned. */
    LAYER,
    /** The statistics of all layers when the first one is planned. */
    ALL
  }

  /** Makes a reducer of a model from its statistics. */
  @FunctionalInterface
  public interface Factory {
    /** The reducer; statistics are without layers if none are needed, or they are not known yet. */
    Reducer of(Session session, RoutingStatistics statistics);
  }

  /** Whether routing statistics are needed at all. */
  public boolean needsStatistics() {
    return needs != Knowledge.NOTHING;
  }
}
