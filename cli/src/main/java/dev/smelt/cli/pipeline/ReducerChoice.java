package dev.smelt.cli.pipeline;

import dev.smelt.merge.Reducer;
import dev.smelt.routing.RoutingStatistics;

/**
 * How experts are to be reduced, once the statistics are there.
 *
 * @param needsStatistics whether routing statistics are needed at all
 * @param create makes the reducer
 */
public record ReducerChoice(boolean needsStatistics, Factory create) {
  /** Makes a reducer of a model from its statistics. */
  @FunctionalInterface
  public interface Factory {
    /** The reducer; statistics are without layers if none are needed. */
    Reducer of(Session session, RoutingStatistics statistics);
  }
}
