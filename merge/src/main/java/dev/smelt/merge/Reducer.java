package dev.smelt.merge;

import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A way to fewer experts: first a plan for a layer, then the work on one group at a time. */
public sealed interface Reducer permits Merging, Dropping {
  /** The source. */
  MoeModel model();

  /** The routing statistics of the source; without layers if none are known yet, or needed. */
  RoutingStatistics statistics();

  /** Experts that are left in a decoder layer. */
  int count(int layer);

  /** Decides what becomes of the experts of a layer. */
  LayerPlan plan(LayerContext context);

  /** Decisions about all layers, with what was asked for. */
  ReducePlan described(List<LayerPlan> layers);

  /** Merges a group of two or more. */
  MergedExpert merge(LayerContext context, Group group);

  /** Decides what becomes of the experts of every layer. */
  default ReducePlan plan() {
    List<LayerPlan> layers = new ArrayList<>();
    for (MoeLayer moe : model().moeLayers()) {
      try (var _ = Scope.open()) {
        layers.add(plan(context(moe.layer())));
      }
    }
    return described(layers);
  }

  /**
   * A plan of which only the numbers hold: how many experts each layer is left with. It serves to
   * start an output before it is known which ones.
   */
  default ReducePlan outline() {
    List<LayerPlan> layers = new ArrayList<>();
    for (MoeLayer moe : model().moeLayers()) {
      IntStream any = IntStream.range(0, count(moe.layer()));
      layers.add(new LayerPlan(moe.layer(), any.mapToObj(Group::single).toList()));
    }
    return described(layers);
  }

  /** What may be looked at in a layer; without statistics, only its weights. */
  default LayerContext context(int layer) {
    return statistics().layers().isEmpty()
        ? LayerContext.withoutStatistics(model(), model().moeLayer(layer).orElseThrow())
        : context(statistics().layer(layer));
  }

  /** What may be looked at in a layer of which these statistics were gathered. */
  default LayerContext context(LayerStatistics gathered) {
    return new LayerContext(model(), model().moeLayer(gathered.layer()).orElseThrow(), gathered);
  }
}
