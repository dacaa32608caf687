package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.merge.alignment.Alignment;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.export.ReducedOutput;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.repair.LayerFinish;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.repair.ReducedBlock;
import dev.smelt.routing.repair.ReductionState;
import dev.smelt.routing.repair.RepairOptions;
import dev.smelt.routing.repair.SequentialReduction;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Carries out a plan, layer by layer: directly, or with a repair of each layer.
 *
 * @param reducer made the plan
 * @param plan what becomes of the experts
 * @param writer made from {@link ReducePlan#reductions}; the caller commits it
 */
public record Reduction(Reducer reducer, ReducePlan plan, ReducedOutput writer) {

  /**
   * Computes merged experts and copies all else.
   *
   * @param progress is told each layer that is finished
   * @return how well neurons matched, for each layer of the plan
   */
  public List<LayerAlignment> run(IntConsumer progress) {
    writer.copyKept();
    List<LayerAlignment> alignments = new ArrayList<>();
    for (LayerPlan layer : plan.layers()) {
      LayerContext context = reducer.context(layer.layer());
      alignments.add(new LayerAlignment(layer.layer(), writeExperts(context, layer)));
      if (plan.routerComputed()) {
        try (var _ = Scope.open()) {
          writer.writeRouter(layer.layer(), RouterRule.weighted(context, layer));
        }
      }
      progress.accept(layer.layer());
    }
    return List.copyOf(alignments);
  }

  private List<Alignment> writeExperts(LayerContext context, LayerPlan layer) {
    List<Alignment> alignments = new ArrayList<>();
    for (int position = 0; position < layer.groups().size(); position++) {
      Group group = layer.groups().get(position);
      if (!group.isSingle()) {
        try (var _ = Scope.open()) {
          MergedExpert merged = reducer.merge(context, group);
          writer.writeExpert(layer.layer(), position, merged.expert());
          alignments.addAll(merged.alignments());
        }
      } else if (writer.wantsAll()) {
        try (var _ = Scope.open()) {
          writer.writeExpert(layer.layer(), position, context.expert(group.dominant()));
        }
      }
    }
    return alignments;
  }

  /**
   * Reduces and repairs each layer on what the reduced model itself sees, and writes it.
   *
   * @param repair how layers are repaired
   * @param compute type of the forward passes
   * @param seed of the split into tokens to learn from and to judge
   * @param batches calibration tokens
   * @param state where finished layers are stored
   * @param progress is told each layer that is finished
   * @return what the repair did in each layer
   */
  public List<LayerRepair> repaired(
      RepairOptions repair,
      Dtype compute,
      long seed,
      List<TokenBatch> batches,
      ReductionState state,
      IntConsumer progress) {
    writer.copyKept();
    List<LayerRepair> repairs = new ArrayList<>();
    new SequentialReduction(reducer.model(), compute, repair, seed)
        .run(
            batches,
            (layer, original, _) -> edited(layer, original),
            (finished, report) -> {
              write(finished, report.layer());
              repairs.add(report);
              progress.accept(report.layer());
            },
            state);
    return List.copyOf(repairs);
  }

  /**
   * Reduces and repairs each layer, does something more to its experts, which is also what writes
   * them, and writes the router.
   *
   * @param repair how layers are repaired
   * @param compute type of the forward passes
   * @param seed of the split into tokens to learn from and to judge
   * @param batches calibration tokens
   * @param finish changes and writes the experts of a layer
   * @param progress is told each layer that is finished
   * @return what the repair did in each layer; its last error is that of the changed experts
   */
  public List<LayerRepair> finished(
      RepairOptions repair,
      Dtype compute,
      long seed,
      List<TokenBatch> batches,
      LayerFinish finish,
      IntConsumer progress) {
    writer.copyKept();
    List<LayerRepair> repairs = new ArrayList<>();
    new SequentialReduction(reducer.model(), compute, repair, seed)
        .run(
            batches,
            (layer, original, _) -> edited(layer, original),
            finish,
            (finished, report) -> {
              writer.writeRouter(report.layer(), finished.block().router().weight());
              repairs.add(report);
              progress.accept(report.layer());
            },
            ReductionState.none());
    return List.copyOf(repairs);
  }

  private ReducedBlock edited(int layer, MoeBlock original) {
    LayerPlan groups = plan.layer(layer);
    List<Integer> survivors = groups.groups().stream().map(Group::dominant).toList();
    ReducedBlock kept = ReducedBlock.keep(original, survivors);
    LayerContext context = reducer.context(layer);
    List<Expert> experts = new ArrayList<>();
    for (int i = 0; i < survivors.size(); i++) {
      Group group = groups.groups().get(i);
      Dtype type = original.router().weight().dtype();
      experts.add(
          group.isSingle()
              ? kept.block().experts().get(i)
              : reducer.merge(context, group).expert().map((_, tensor) -> tensor.to(type)));
    }
    MoeBlock block = kept.block();
    Tensor rows = block.router().weight();
    Tensor router =
        plan.routerComputed() ? RouterRule.weighted(context, groups).to(rows.dtype()) : rows;
    return new ReducedBlock(survivors, block.with(block.router().with(router), experts));
  }

  private void write(ReducedBlock finished, int layer) {
    for (int position = 0; position < finished.survivors().size(); position++) {
      writer.writeExpert(layer, position, finished.block().experts().get(position));
    }
    writer.writeRouter(layer, finished.block().router().weight());
  }
}
