package dev.smelt.merge;

import dev.smelt.merge.alignment.Alignment;
import dev.smelt.model.export.ReducedOutput;
import dev.smelt.model.tensor.Scope;
import dev.smelt.routing.repair.LayerFinish;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.repair.ReducedBlock;
import dev.smelt.routing.repair.ReductionState;
import dev.smelt.routing.repair.SequentialReduction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;

/**
 * Carries out a reduction, layer by layer: directly after a plan, or in a stream of the calibration
 * tokens, in which layers can be repaired, and planned too.
 *
 * @param reducer plans and merges
 * @param plan what becomes of the experts; an outline if layers are planned in the stream
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
   * @param stream the tokens, and how layers are planned and repaired
   * @param state where finished layers are stored
   * @param decided is told what was decided about each layer that is not finished yet
   * @param progress is told each layer that is finished
   * @return what the repair did in each layer
   */
  public List<LayerRepair> streamed(
      ReductionStream stream,
      ReductionState state,
      Consumer<LayerDecision> decided,
      IntConsumer progress) {
    copyKept(stream);
    List<LayerRepair> repairs = new ArrayList<>();
    walk(stream)
        .run(
            stream.batches(),
            edit(stream, decided),
            (finished, report) -> {
              write(stream, finished, report.layer());
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
   * @param stream the tokens, and how layers are planned and repaired
   * @param finish changes and writes the experts of a layer
   * @param decided is told what was decided about each layer
   * @param progress is told each layer that is finished
   * @return what the repair did in each layer; its last error is that of the changed experts
   */
  public List<LayerRepair> finished(
      ReductionStream stream,
      LayerFinish finish,
      Consumer<LayerDecision> decided,
      IntConsumer progress) {
    copyKept(stream);
    List<LayerRepair> repairs = new ArrayList<>();
    walk(stream)
        .run(
            stream.batches(),
            edit(stream, decided),
            finish,
            (finished, report) -> {
              writeRouter(stream, finished, report.layer());
              repairs.add(report);
              progress.accept(report.layer());
            },
            ReductionState.none());
    return List.copyOf(repairs);
  }

  private void copyKept(ReductionStream stream) {
    writer.copyKept(
        stream.planning() == Planning.BEFORE
            ? Set.of()
            : plan.layers().stream().map(LayerPlan::layer).collect(Collectors.toSet()));
  }

  private SequentialReduction walk(ReductionStream stream) {
    return new SequentialReduction(
        reducer.model(), stream.compute(), stream.repair(), stream.seed());
  }

  private PlannedEdit edit(ReductionStream stream, Consumer<LayerDecision> decided) {
    return new PlannedEdit(reducer, stream.source(reducer, plan), stream.repairs(), decided);
  }

  private void write(ReductionStream stream, ReducedBlock finished, int layer) {
    for (int position = 0; position < finished.survivors().size(); position++) {
      writer.writeExpert(layer, position, finished.block().experts().get(position));
    }
    writeRouter(stream, finished, layer);
  }

  private void writeRouter(ReductionStream stream, ReducedBlock finished, int layer) {
    if (stream.planning() != Planning.BEFORE) {
      writer.copyCompanions(layer, finished.survivors());
    }
    writer.writeRouter(layer, finished.block().router().weight());
  }
}
