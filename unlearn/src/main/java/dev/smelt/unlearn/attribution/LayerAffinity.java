package dev.smelt.unlearn.attribution;

/**
 * How much a text engages the experts of one layer. Arrays belong to the record and are not to be
 * modified.
 *
 * @param layer index of the decoder layer
 * @param affinity mean gate value of each expert, zero where it is not chosen, [E]
 * @param share share of the tokens that are routed to each expert, [E]
 */
public record LayerAffinity(int layer, double[] affinity, double[] share) {
  /** Checks the lengths. */
  public LayerAffinity {
    if (affinity.length != share.length) {
      throw new IllegalArgumentException(
          affinity.length + " affinities for " + share.length + " shares");
    }
  }

  /** Number of experts. */
  public int experts() {
    return affinity.length;
  }
}
