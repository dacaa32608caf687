package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * How many experts are left in each layer if the most used ones of the whole model are kept (Li et
 * al., "Merge, Then Compress", ICLR 2024, section 3.1, adaptive layer-wise ratio).
 *
 * <p>Frequencies are relative to their layer. Deliberate differences from the reference: experts
 * are ranked, so that exactly as many are left as asked for, where a threshold loses those that
 * equal it; a layer keeps as many as a token needs if the router has a row for each expert.
 */
final class AdaptiveCounts {
  /** An expert that may be kept. */
  private record Candidate(int layer, int expert, double frequency) {}

  private AdaptiveCounts() {}

  /**
   * Counts by layer.
   *
   * @param statistics of all layers
   * @param total experts that are left in all layers together
   * @param minimum experts that every layer keeps
   */
  static SequencedMap<Integer, Integer> of(RoutingStatistics statistics, int total, int minimum) {
    SequencedMap<Integer, Integer> counts = new LinkedHashMap<>();
    List<Candidate> others = new ArrayList<>();
    for (LayerStatistics layer : statistics.layers()) {
      double[] frequency = layer.frequency();
      List<Integer> ranked = Ranking.descending(frequency);
      counts.put(layer.layer(), Math.min(minimum, ranked.size()));
      ranked.stream()
          .skip(minimum)
          .forEach(e -> others.add(new Candidate(layer.layer(), e, frequency[e])));
    }
    int left = total - counts.values().stream().mapToInt(Integer::intValue).sum();
    if (left < 0) {
      throw SmeltException.usage(
          "--adaptive: %d experts in all cannot be %d in each layer".formatted(total, minimum),
          "leave more experts");
    }
    others.stream()
        .sorted(
            Comparator.comparingDouble((Candidate c) -> -c.frequency())
                .thenComparingInt(Candidate::layer)
                .thenComparingInt(Candidate::expert))
        .limit(left)
        .forEach(c -> counts.merge(c.layer(), 1, Integer::sum));
    return counts;
  }
}
