package dev.smelt.merge;

import dev.smelt.merge.alignment.Alignment;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.tensor.Scope;
import dev.smelt.routing.RoutingStatistics;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Merges the experts of a model: plans all layers from statistics, then computes one group at a
 * time.
 *
 * @param model the source
 * @param statistics of the source
 * @param method how to group and merge
 * @param options what the user chose
 */
public record Merging(
    MoeModel model, RoutingStatistics statistics, MergeMethod method, MergeOptions options) {
  /** Applies what the method insists on to the options. */
  public Merging {
    options = method.adjusted(options);
  }

  /** Decides the groups of every layer. */
  public MergePlan plan() {
    List<LayerPlan> layers = new ArrayList<>();
    for (MoeLayer moe : model.moeLayers()) {
      try (var _ = Scope.open()) {
        layers.add(method.plan(context(moe), options));
      }
    }
    return new MergePlan(method.name(), options, layers);
  }

  private LayerContext context(MoeLayer moe) {
    return new LayerContext(model, moe, statistics.layer(moe.layer()));
  }

  /**
   * Computes the merged experts and writes them, layer by layer, and copies all else.
   *
   * @param plan made by {@link #plan()}
   * @param writer made from {@link MergePlan#reductions()}; the caller commits it
   * @param progress is told each layer that is finished
   * @return how well neurons matched, for each layer of the plan
   */
  public List<LayerAlignment> write(MergePlan plan, ReductionWriter writer, IntConsumer progress) {
    writer.copyKept();
    List<LayerAlignment> alignments = new ArrayList<>();
    for (LayerPlan layer : plan.layers()) {
      LayerContext context = context(model.moeLayer(layer.layer()).orElseThrow());
      alignments.add(new LayerAlignment(layer.layer(), writeExperts(context, layer, writer)));
      if (options.router() == RouterRule.WEIGHTED) {
        try (var _ = Scope.open()) {
          writer.writeRouter(layer.layer(), RouterRule.weighted(context, layer));
        }
      }
      progress.accept(layer.layer());
    }
    return List.copyOf(alignments);
  }

  private List<Alignment> writeExperts(
      LayerContext context, LayerPlan layer, ReductionWriter writer) {
    List<Alignment> alignments = new ArrayList<>();
    for (int position = 0; position < layer.groups().size(); position++) {
      Group group = layer.groups().get(position);
      if (!group.isSingle()) {
        try (var _ = Scope.open()) {
          MergedExpert merged = method.merge(context, group, options);
          writer.writeExpert(layer.layer(), position, merged.expert());
          alignments.addAll(merged.alignments());
        }
      }
    }
    return alignments;
  }

  /**
   * How well the neurons of the members of all groups of a layer matched.
   *
   * @param layer index of the decoder layer
   * @param alignments one for each member that was aligned
   */
  public record LayerAlignment(int layer, List<Alignment> alignments) {
    /** Copies the list. */
    public LayerAlignment {
      alignments = List.copyOf(alignments);
    }

    /** Mean cosine before the permutation. */
    public double before() {
      return alignments.stream().mapToDouble(Alignment::before).average().orElse(1);
    }

    /** Mean cosine after the permutation. */
    public double after() {
      return alignments.stream().mapToDouble(Alignment::after).average().orElse(1);
    }

    /** Mean share of neurons that stay where they are. */
    public double fixedShare() {
      return alignments.stream().mapToDouble(Alignment::fixedShare).average().orElse(1);
    }
  }
}
