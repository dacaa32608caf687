package dev.smelt.merge;

import dev.smelt.model.MoeModel;
import dev.smelt.routing.RoutingStatistics;
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
  public int count(int layer) {
    return keep;
  }

  @Override
  public LayerPlan plan(LayerContext context) {
    SuperExperts protectedExperts = protectSuper ? SuperExperts.of(statistics) : SuperExperts.NONE;
    double[] scores = criterion.scores(context, seed).clone();
    protectedExperts.in(context.layer()).forEach(e -> scores[e] = Double.POSITIVE_INFINITY);
    List<Group> groups =
        Ranking.top(scores, keep, context.moe().groups()).stream().map(Group::single).toList();
    return new LayerPlan(context.layer(), groups);
  }

  @Override
  public ReducePlan described(List<LayerPlan> layers) {
    SequencedMap<String, Object> options = new LinkedHashMap<>();
    options.put("experts", keep);
    options.put("criterion", criterion.option());
    options.put("protect-super", protectSuper);
    return new ReducePlan("drop", criterion.option(), options, false, OutputKind.STOCK, layers);
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group) {
    throw new IllegalStateException("dropping merges nothing");
  }
}
