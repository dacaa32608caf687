package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.merge.alignment.Alignment;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.StreamStatistics;
import dev.smelt.routing.repair.LayerEdit;
import dev.smelt.routing.repair.ReducedBlock;
import dev.smelt.routing.repair.RepairTokens;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Plans and reduces the layers of a stream.
 *
 * @param reducer decides and merges
 * @param source where the statistics of a layer come from
 * @param repairs whether experts are repaired, so that each needs tokens
 * @param decided is told what was decided about each layer
 */
record PlannedEdit(Reducer reducer, Source source, boolean repairs, Consumer<LayerDecision> decided)
    implements LayerEdit {
  /** Where the statistics of a layer come from. */
  sealed interface Source {}

  /** They were there before, and the plan is made. */
  record Known(ReducePlan plan) implements Source {}

  /** They are gathered while the original model's stream passes: no pass of their own is needed. */
  record Original(StreamStatistics gathering) implements Source {}

  /** They are gathered on what the reduced model feeds the original layer. */
  record Reduced(StreamStatistics gathering) implements Source {}

  @Override
  public MoeObserver watchOriginal(int layer) {
    return source instanceof Original(StreamStatistics gathering)
        ? gathering.begin(layer)
        : MoeObserver.NONE;
  }

  @Override
  public boolean needsOriginal() {
    return !(source instanceof Reduced);
  }

  @Override
  public Optional<MoeObserver> watchReduced(int layer) {
    return source instanceof Reduced(StreamStatistics gathering)
        ? Optional.of(gathering.begin(layer))
        : Optional.empty();
  }

  @Override
  public ReducedBlock reduce(int layer, MoeBlock original, RepairTokens tokens) {
    LayerContext context =
        switch (source) {
          case Known _ -> reducer.context(layer);
          case Original(StreamStatistics gathering) -> reducer.context(gathering.finish(layer));
          case Reduced(StreamStatistics gathering) -> reducer.context(gathering.finish(layer));
        };
    LayerPlan plan =
        source instanceof Known(ReducePlan made) ? made.layer(layer) : reducer.plan(context);
    if (repairs && context.statistics().tokens() > 0) {
      requireTokens(plan, context.statistics());
    }
    List<Alignment> alignments = new ArrayList<>();
    ReducedBlock reduced = reduced(context, plan, original, alignments);
    decided.accept(new LayerDecision(plan, new LayerAlignment(layer, alignments)));
    return reduced;
  }

  /** An expert that no token reaches cannot be repaired, and nobody knows what it is worth. */
  private static void requireTokens(LayerPlan plan, LayerStatistics statistics) {
    List<Integer> without =
        plan.groups().stream()
            .filter(g -> g.members().stream().allMatch(e -> statistics.routed()[e] == 0))
            .map(Group::dominant)
            .toList();
    if (!without.isEmpty()) {
      throw SmeltException.checkpoint(
          "layer %d: experts %s would stay, but no calibration token reaches them"
              .formatted(plan.layer(), without),
          "give more text, leave fewer experts, or choose --repair none");
    }
  }

  private ReducedBlock reduced(
      LayerContext context, LayerPlan plan, MoeBlock original, List<Alignment> alignments) {
    List<Integer> survivors = plan.groups().stream().map(Group::dominant).toList();
    MoeBlock kept = ReducedBlock.keep(original, survivors).block();
    Tensor rows = kept.router().weight();
    List<Expert> experts = merged(context, plan, kept.experts(), alignments);
    boolean computed = reducer.described(List.of(plan)).routerComputed();
    Tensor router = computed ? RouterRule.weighted(context, plan).to(rows.dtype()) : rows;
    return new ReducedBlock(survivors, kept.with(kept.router().with(router), experts));
  }

  /** Merges groups side by side; experts that stand alone are as they are. */
  private List<Expert> merged(
      LayerContext context, LayerPlan plan, List<Expert> dominant, List<Alignment> alignments) {
    List<Group> groups = plan.groups();
    List<Expert> experts = new ArrayList<>(dominant);
    List<List<Alignment>> matched = new ArrayList<>(Collections.nCopies(groups.size(), List.of()));
    int[] merging =
        IntStream.range(0, groups.size()).filter(i -> !groups.get(i).isSingle()).toArray();
    for (int i : merging) {
      experts.set(i, dominant.get(i).map((_, part) -> Tensors.empty(part.dtype(), part.shape())));
    }
    Parallel.forEach(
        merging.length,
        m -> {
          try (var _ = Scope.open()) {
            MergedExpert merged = reducer.merge(context, groups.get(merging[m]));
            var parts = merged.expert().parts();
            experts.get(merging[m]).parts().forEach((part, to) -> to.copyFrom(parts.get(part)));
            matched.set(merging[m], merged.alignments());
          }
        });
    matched.forEach(alignments::addAll);
    return experts;
  }
}
