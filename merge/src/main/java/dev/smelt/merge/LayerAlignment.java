package dev.smelt.merge;

import dev.smelt.merge.alignment.Alignment;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How well the neurons of the members of all groups of a layer matched.
 *
 * @param layer index of the decoder layer
 * @param alignments one for each member that was aligned
 */
public record LayerAlignment(int layer, List<Alignment> alignments) {
  /** Copies the list. */
  public LayerAlignment {
    alignments = List.copyOf(alignments);
  }

  /** Mean cosine before the permutation; 1 if nothing was aligned. */
  public double before() {
    return mean(Alignment::before);
  }

  /** Mean cosine after the permutation; 1 if nothing was aligned. */
  public double after() {
    return mean(Alignment::after);
  }

  /** Mean share of neurons that stay where they are; 1 if nothing was aligned. */
  public double fixedShare() {
    return mean(Alignment::fixedShare);
  }

  private double mean(ToDoubleFunction<Alignment> value) {
    return alignments.stream().mapToDouble(value).average().orElse(1);
  }
}
