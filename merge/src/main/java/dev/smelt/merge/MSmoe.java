package dev.smelt.merge;

import java.util.ArrayList;
import java.util.List;

/**
 * M-SMoE: merging guided by the router (Li et al., "Merge, Then Compress", ICLR 2024, section 3.1).
 *
 * <p>The most used experts of a layer are dominant; every other expert joins the dominant one to
 * which its router logits are most similar; members are aligned to the dominant expert and averaged
 * by frequency. Deliberate differences from the reference: members are aligned to the dominant
 * expert and not to expert 0; gated experts have one permutation for all three matrices, where the
 * reference does not align them; exactly K groups in every layer, ties broken by index; a group
 * that was never used is averaged uniformly instead of becoming zero; sums are in F32.
 */
final class MSmoe implements MergeMethod {
  @Override
  public String name() {
    return "m-smoe";
  }

  @Override
  public String summary() {
    return "groups around the most used experts, neurons aligned, averaged by frequency";
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    return aroundMostUsed(context, options);
  }

  /** The most used experts, each with those that are most similar to it. */
  static LayerPlan aroundMostUsed(LayerContext context, MergeOptions options) {
    List<Integer> dominant =
        Ranking.top(context.statistics().frequency(), options.experts(), context.moe().groups());
    double[][] similarity = options.similarity().of(context);
    List<List<Integer>> members = new ArrayList<>();
    dominant.forEach(d -> members.add(new ArrayList<>()));
    for (int e = 0; e < context.experts(); e++) {
      members.get(nearest(e, dominant, similarity)).add(e);
    }
    double[] scores = options.weights().of(context.statistics());
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < dominant.size(); i++) {
      groups.add(Group.weighted(dominant.get(i), members.get(i), scores));
    }
    return new LayerPlan(context.layer(), groups);
  }

  /** Position of the most similar dominant expert; a dominant expert is its own. */
  private static int nearest(int expert, List<Integer> dominant, double[][] similarity) {
    if (dominant.contains(expert)) {
      return dominant.indexOf(expert);
    }
    int best = 0;
    for (int i = 1; i < dominant.size(); i++) {
      if (similarity[expert][dominant.get(i)] > similarity[expert][dominant.get(best)]) {
        best = i;
      }
    }
    return best;
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group, MergeOptions options) {
    return AlignedAverage.of(context, group, options.align());
  }
}
