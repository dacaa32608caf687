package dev.smelt.merge;

import dev.smelt.io.SmeltException;
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
        List<Group> groups = survivors(moe, scores).stream().map(Group::single).toList();
        layers.add(new LayerPlan(moe.layer(), groups));
      }
    }
    SequencedMap<String, Object> options = new LinkedHashMap<>();
    options.put("experts", keep);
    options.put("criterion", criterion.option());
    options.put("protect-super", protectSuper);
    return new ReducePlan("drop", criterion.option(), options, false, layers);
  }

  /** The best of each group of the router, ascending. */
  private List<Integer> survivors(MoeLayer moe, double[] scores) {
    int groups = moe.groups();
    if (keep % groups != 0) {
      throw SmeltException.usage(
          "layer %d: %d experts cannot be spread evenly over the %d groups of the router"
              .formatted(moe.layer(), keep, groups),
          "keep a multiple of " + groups);
    }
    int size = scores.length / groups;
    List<Integer> survivors = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      int from = g * size;
      double[] own = java.util.Arrays.copyOfRange(scores, from, from + size);
      Ranking.top(own, keep / groups).forEach(e -> survivors.add(from + e));
    }
    return survivors;
  }

  @Override
  public LayerContext context(int layer) {
    return criterion.needsStatistics()
        ? Reducer.super.context(layer)
        : LayerContext.withoutStatistics(model, layer);
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group) {
    throw new IllegalStateException("dropping merges nothing");
  }
}
