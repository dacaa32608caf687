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
  /** Applies what the method insists on to the options. */
  public Merging {
    options = method.adjusted(options);
  }

  @Override
  public ReducePlan plan() {
    List<LayerPlan> layers = new ArrayList<>();
    for (MoeLayer moe : model.moeLayers()) {
      try (var _ = Scope.open()) {
        layers.add(method.plan(context(moe.layer()), options));
      }
    }
    boolean routerComputed = options.router() == RouterRule.WEIGHTED;
    return new ReducePlan("merge", method.name(), named(options), routerComputed, layers);
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group) {
    return method.merge(context, group, options);
  }

  /** The options under their names on the command line. */
  public static SequencedMap<String, Object> named(MergeOptions options) {
    SequencedMap<String, Object> named = new LinkedHashMap<>();
    named.put("experts", options.experts());
    named.put("similarity", options.similarity().option());
    named.put("align", options.align().option());
    named.put("weights", options.weights().option());
    named.put("router", options.router().option());
    return named;
  }
}
