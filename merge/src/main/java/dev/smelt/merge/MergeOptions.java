package dev.smelt.merge;

import dev.smelt.merge.alignment.AlignmentMode;

/**
 * What the user chooses for a merge.
 *
 * @param experts experts that are left in each layer
 * @param similarity what puts experts into the same group
 * @param align how neurons are matched before the average
 * @param weights how much each member counts
 * @param router which router row a merged expert gets
 * @param adaptive whether layers share the experts that are left by how often they are used
 * @param output what is written
 */
public record MergeOptions(
    int experts,
    Similarity similarity,
    AlignmentMode align,
    MergeWeights weights,
    RouterRule router,
    boolean adaptive,
    OutputKind output) {
  /** The same number of experts in every layer, in stock form. */
  public MergeOptions(
      int experts,
      Similarity similarity,
      AlignmentMode align,
      MergeWeights weights,
      RouterRule router) {
    this(experts, similarity, align, weights, router, false, OutputKind.STOCK);
  }

  /** What holds unless the user says otherwise. */
  public static MergeOptions defaults(int experts) {
    return new MergeOptions(
        experts,
        Similarity.ROUTER_LOGITS,
        AlignmentMode.WEIGHTS,
        MergeWeights.FREQUENCY,
        RouterRule.DOMINANT);
  }

  /** The same options for another number of experts. */
  MergeOptions withExperts(int count) {
    return new MergeOptions(count, similarity, align, weights, router, adaptive, output);
  }
}
