package dev.smelt.model.export;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What becomes of the experts of one layer.
 *
 * @param layer index of the decoder layer
 * @param survivors for each new expert the source expert whose place and router row it takes
 * @param computed positions of new experts whose weights are computed; the others are copied
 * @param routerComputed whether the router's rows are computed; else those of the survivors are
 *     kept
 */
public record LayerReduction(
    int layer, List<Integer> survivors, Set<Integer> computed, boolean routerComputed) {
  /** Copies the collections. */
  public LayerReduction {
    survivors = List.copyOf(survivors);
    computed = Set.copyOf(computed);
  }

  /** The same with all experts computed. */
  LayerReduction allComputed() {
    Set<Integer> all = IntStream.range(0, count()).boxed().collect(Collectors.toSet());
    return new LayerReduction(layer, survivors, all, routerComputed);
  }

  /** All experts of a layer, each computed, and the rows of the router as they are. */
  public static LayerReduction unchanged(int layer, int experts) {
    List<Integer> all = IntStream.range(0, experts).boxed().toList();
    return new LayerReduction(layer, all, Set.copyOf(all), false);
  }

  /** Number of experts that are left. */
  public int count() {
    return survivors.size();
  }
}
