package dev.smelt.merge;

import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * Experts whose outputs have extreme elements, on which attention sinks rest: their largest
 * absolute output is above both the 99.5th percentile and a tenth of the largest, over all layers,
 * in the first three quarters of the layers.
 *
 * @param byLayer the experts of each decoder layer that has any
 */
record SuperExperts(Map<Integer, List<Integer>> byLayer) {
  static final SuperExperts NONE = new SuperExperts(Map.of());

  private static final double PERCENTILE = 99.5;

  static SuperExperts of(RoutingStatistics statistics) {
    List<LayerStatistics> layers = statistics.layers();
    double[] all =
        layers.stream()
            .flatMapToDouble(
                s -> IntStream.range(0, s.experts()).mapToDouble(e -> s.maxActivation()[e]))
            .toArray();
    double largest = java.util.Arrays.stream(all).max().orElse(0);
    double threshold = Math.max(new Percentile().evaluate(all, PERCENTILE), largest / 10);
    Map<Integer, List<Integer>> found = new HashMap<>();
    for (LayerStatistics s : layers.subList(0, (layers.size() * 3 + 3) / 4)) {
      List<Integer> experts =
          IntStream.range(0, s.experts())
              .filter(e -> s.maxActivation()[e] >= threshold)
              .boxed()
              .toList();
      found.put(s.layer(), experts);
    }
    return new SuperExperts(Map.copyOf(found));
  }

  List<Integer> in(int layer) {
    return byLayer.getOrDefault(layer, List.of());
  }
}
