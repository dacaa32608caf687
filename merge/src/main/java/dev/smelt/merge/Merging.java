package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.routing.RoutingStatistics;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * Fewer experts by merging.
 *
 * @param model the source
 * @param statistics of the source
 * @param method how to group and merge
 * @param options what the user chose
 */
public record Merging(
    MoeModel model, RoutingStatistics statistics, MergeMethod method, MergeOptions options)
    implements Reducer {
  /** Applies what the method insists on to the options, and refuses those that lead nowhere. */
  public Merging {
    options = method.adjusted(options);
    for (MoeLayer moe : options.adaptive() ? List.<MoeLayer>of() : model.moeLayers()) {
      int groups = moe.groups();
      method.check(moe.experts().count() / groups, options.experts() / groups, options);
    }
  }

  @Override
  public int count(int layer) {
    return counts().get(layer);
  }

  @Override
  public LayerPlan plan(LayerContext context) {
    MergeOptions here = options.withExperts(count(context.layer()));
    return spread(context.moe(), method.plan(context, here));
  }

  @Override
  public ReducePlan described(List<LayerPlan> layers) {
    boolean routerComputed = options.router() == RouterRule.WEIGHTED;
    return new ReducePlan(
        "merge", method.name(), named(), routerComputed, options.output(), layers);
  }

  /** Experts that are left, by layer. */
  private Map<Integer, Integer> counts() {
    List<MoeLayer> layers = model.moeLayers();
    if (!options.adaptive()) {
      return layers.stream().collect(Collectors.toMap(MoeLayer::layer, _ -> options.experts()));
    }
    boolean ownRows = options.output() != OutputKind.REDIRECTED;
    return AdaptiveCounts.of(
        statistics, options.experts() * layers.size(), ownRows ? model.architecture().topK() : 1);
  }

  /** Insists on the same number of experts in each group of the router. */
  private LayerPlan spread(MoeLayer moe, LayerPlan plan) {
    int size = moe.experts().count() / moe.groups();
    List<Integer> places = plan.groups().stream().map(group -> group.dominant() / size).toList();
    for (int g = 0; g < moe.groups(); g++) {
      if (Collections.frequency(places, g) * moe.groups() != places.size()) {
        throw SmeltException.unsupported(
            "layer %d: %s does not leave the same number of experts in each of the %d groups of the router"
                .formatted(moe.layer(), method.name(), moe.groups()),
            "choose another method, or remove the groups with --ungroup");
      }
    }
    return plan;
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group) {
    return method.merge(context, group, options);
  }

  /** The options under their names on the command line. */
  private SequencedMap<String, Object> named() {
    SequencedMap<String, Object> named = new LinkedHashMap<>();
    named.put("experts", options.experts());
    if (method.usesSimilarity()) {
      named.put("similarity", options.similarity().option());
    }
    named.put("align", options.align().option());
    named.put("weights", options.weights().option());
    named.put("router", options.router().option());
    for (MergeOption option : MergeOption.values()) {
      if (method.offered().contains(option)) {
        named.put(option.option(), option.of(options));
      }
    }
    if (options.adaptive()) {
      named.put("adaptive", true);
    }
    if (options.output().isCompact()) {
      named.put("form", "compact");
    }
    return named;
  }
}
