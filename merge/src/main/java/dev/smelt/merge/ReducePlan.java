package dev.smelt.merge;

import dev.smelt.model.ExpertStorage;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;

/**
 * What a reduction will do, before anything is written.
 *
 * @param command {@code merge} or {@code drop}
 * @param method name of the method or criterion
 * @param options what it was asked for, under the names of the command line
 * @param routerComputed whether router rows are computed; else those of the dominant experts stay
 * @param output what is written
 * @param layers the groups of every layer with experts
 */
public record ReducePlan(
    String command,
    String method,
    SequencedMap<String, Object> options,
    boolean routerComputed,
    OutputKind output,
    List<LayerPlan> layers) {
  /** Copies the collections. */
  public ReducePlan {
    options = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(options));
    layers = List.copyOf(layers);
  }

  /** Experts that are left in each layer; their rounded mean if layers differ. */
  public int experts() {
    double mean = layers.stream().mapToInt(layer -> layer.groups().size()).average().orElseThrow();
    return (int) Math.round(mean);
  }

  /**
   * How the experts are stored in compact form.
   *
   * @param model the source
   */
  public List<CompactForm> compactForms(MoeModel model) {
    return layers.stream().map(layer -> compactForm(model, layer)).toList();
  }

  private CompactForm compactForm(MoeModel model, LayerPlan layer) {
    ExpertStorage storage = model.moeLayer(layer.layer()).orElseThrow().experts();
    ExpertForms whole =
        ExpertForms.whole(model.architecture().hidden(), storage.width(), storage.form().gated());
    int count = layer.groups().size();
    return new CompactForm(
        layer.layer(),
        Collections.nCopies(count, whole),
        output == OutputKind.REDIRECTED ? layer.map() : CompactForm.identity(count),
        new LinkedHashSet<>(),
        storage.isBiased());
  }

  /**
   * The plan as the exporter needs it.
   *
   * @param repaired whether all experts and routers will be computed, because they are repaired
   */
  public List<LayerReduction> reductions(boolean repaired) {
    return layers.stream().map(layer -> reduction(layer, repaired)).toList();
  }

  private LayerReduction reduction(LayerPlan layer, boolean repaired) {
    if (output == OutputKind.REDIRECTED) {
      return LayerReduction.unchanged(layer.layer(), layer.map().size());
    }
    return repaired ? layer.repaired() : layer.reduction(routerComputed);
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
