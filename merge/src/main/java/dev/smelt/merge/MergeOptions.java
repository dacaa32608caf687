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
 * @param own what only few methods look at
 * @param adaptive whether layers share the experts that are left by how often they are used
 * @param output what is written
 */
public record MergeOptions(
    int experts,
    Similarity similarity,
    AlignmentMode align,
    MergeWeights weights,
    RouterRule router,
    Own own,
    boolean adaptive,
    OutputKind output) {
  /**
   * Options of single methods; see {@link MergeOption}.
   *
   * @param groupSize how many experts join one at most
   * @param linkage how far apart two clusters are
   * @param variant whether the paper is followed, or the released code
   */
  public record Own(int groupSize, Linkage linkage, Variant variant) {
    /** As the papers have it; the size of groups is that of REAM. */
    public static final Own DEFAULTS = new Own(16, Linkage.AVERAGE, Variant.PAPER);
  }

  /** The same number of experts in every layer, in stock form. */
  public MergeOptions(
      int experts,
      Similarity similarity,
      AlignmentMode align,
      MergeWeights weights,
      RouterRule router) {
    this(experts, similarity, align, weights, router, Own.DEFAULTS, false, OutputKind.STOCK);
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

  /** How many experts join one at most. */
  public int groupSize() {
    return own.groupSize();
  }

  /** How far apart two clusters are. */
  public Linkage linkage() {
    return own.linkage();
  }

  /** Whether the paper is followed, or the released code. */
  public Variant variant() {
    return own.variant();
  }

  /** The same options for another number of experts. */
  MergeOptions withExperts(int count) {
    return new MergeOptions(count, similarity, align, weights, router, own, adaptive, output);
  }

  /** The same with another similarity. */
  MergeOptions with(Similarity other) {
    return new MergeOptions(experts, other, align, weights, router, own, adaptive, output);
  }

  /** The same with another alignment. */
  MergeOptions with(AlignmentMode other) {
    return new MergeOptions(experts, similarity, other, weights, router, own, adaptive, output);
  }

  /** The same with other weights. */
  MergeOptions with(MergeWeights other) {
    return new MergeOptions(experts, similarity, align, other, router, own, adaptive, output);
  }

  /** The same with other router rows. */
  MergeOptions with(RouterRule other) {
    return new MergeOptions(experts, similarity, align, weights, other, own, adaptive, output);
  }

  /** The same with other options of single methods. */
  public MergeOptions with(Own other) {
    return new MergeOptions(experts, similarity, align, weights, router, other, adaptive, output);
  }
}
