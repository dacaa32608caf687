package dev.smelt.merge;

import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.routing.RoutingStatistics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Fewer experts by dropping those with the lowest scores.
 *
 * <p>Where the router limits its choice to groups of experts, the same number stays in each group.
 *
 * @param model the source
 * @param statistics of the source; without layers if the criterion needs none
 * @param criterion what an expert is worth
 * @param keep experts that stay in each layer
 * @param protectSuper whether super experts stay whatever their score
 * @param seed of the criterion that draws at random
 */
public record Dropping(
    MoeModel model,
    RoutingStatistics statistics,
    DropCriterion criterion,
    int keep,
    boolean protectSuper,
    long seed)
    implements Reducer {

  @Override
  public ReducePlan plan() {
    SuperExperts protectedExperts = protectSuper ? SuperExperts.of(statistics) : SuperExperts.NONE;
    List<LayerPlan> layers = new ArrayList<>();
    for (MoeLayer moe : model.moeLayers()) {
      try (var _ = Scope.open()) {
        double[] scores = criterion.scores(context(moe.layer()), seed).clone();
        protectedExperts.in(moe.layer()).forEach(e -> scores[e] = Double.POSITIVE_INFINITY);
        List<Group> groups =
            Ranking.top(scores, keep, moe.groups()).stream().map(Group::single).toList();
        layers.add(new LayerPlan(moe.layer(), groups));
      }
    }
    SequencedMap<String, Object> options = new LinkedHashMap<>();
    options.put("experts", keep);
    options.put("criterion", criterion.option());
    options.put("protect-super", protectSuper);
    return new ReducePlan("drop", criterion.option(), options, false, OutputKind.STOCK, layers);
  }

  @Override
  public LayerContext context(int layer) {
    return criterion.needsStatistics()
        ? Reducer.super.context(layer)
        : LayerContext.withoutStatistics(model, model.moeLayer(layer).orElseThrow());
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group) {
    throw new IllegalStateException("dropping merges nothing");
  }
}
