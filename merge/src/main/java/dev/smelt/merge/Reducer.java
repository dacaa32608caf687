package dev.smelt.merge;

import dev.smelt.model.MoeModel;
import dev.smelt.routing.RoutingStatistics;

/** A way to fewer experts: first a plan for all layers, then the work on one group at a time. */
public sealed interface Reducer permits Merging, Dropping {
  /** The source. */
  MoeModel model();

  /** The routing statistics of the source. */
  RoutingStatistics statistics();

  /** Decides what becomes of the experts of every layer. */
  ReducePlan plan();

  /** Merges a group of two or more. */
  MergedExpert merge(LayerContext context, Group group);

  /** What may be looked at in a layer. */
  default LayerContext context(int layer) {
    return new LayerContext(
        model(), model().moeLayer(layer).orElseThrow(), statistics().layer(layer));
  }
}
