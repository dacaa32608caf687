package dev.smelt.merge;

import dev.smelt.model.MoeModel;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What a reduction will do, before anything is written.
 *
 * @param command {@code merge} or {@code drop}
 * @param method name of the method or criterion
 * @param options what it was asked for, under the names of the command line
 * @param routerComputed whether router rows are computed; else those of the dominant experts stay
 * @param layers the groups of every layer with experts
 */
public record ReducePlan(
    String command,
    String method,
    SequencedMap<String, Object> options,
    boolean routerComputed,
    List<LayerPlan> layers) {
  /** Copies the collections. */
  public ReducePlan {
    options = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(options));
    layers = List.copyOf(layers);
  }

  /** Experts that are left in each layer. */
  public int experts() {
    return layers.getFirst().groups().size();
  }

  /**
   * The plan as the exporter needs it.
   *
   * @param repaired whether all experts and routers will be computed, because they are repaired
   */
  public List<LayerReduction> reductions(boolean repaired) {
    return layers.stream()
        .map(layer -> repaired ? layer.repaired() : layer.reduction(routerComputed))
        .toList();
  }

  /** Bytes of all tensors of the output. */
  public long bytesAfter(MoeModel model) {
    return ReductionWriter.plannedBytes(model, reductions(false), ExportOptions.DEFAULTS);
  }

  /** The groups of a decoder layer. */
  public LayerPlan layer(int layer) {
    return layers.stream().filter(plan -> plan.layer() == layer).findFirst().orElseThrow();
  }
}
