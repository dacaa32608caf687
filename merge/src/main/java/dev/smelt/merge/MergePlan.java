package dev.smelt.merge;

import dev.smelt.model.MoeModel;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import java.util.List;

/**
 * What a merge will do, before anything is written.
 *
 * @param method name of the method
 * @param options what it was asked for
 * @param layers the groups of every layer with experts
 */
public record MergePlan(String method, MergeOptions options, List<LayerPlan> layers) {
  /** Copies the list. */
  public MergePlan {
    layers = List.copyOf(layers);
  }

  /** The plan as the exporter needs it. */
  public List<LayerReduction> reductions() {
    boolean routerComputed = options.router() == RouterRule.WEIGHTED;
    return layers.stream().map(layer -> layer.reduction(routerComputed)).toList();
  }

  /** Bytes of all tensors of the output. */
  public long bytesAfter(MoeModel model) {
    return ReductionWriter.plannedBytes(model, reductions());
  }
}
