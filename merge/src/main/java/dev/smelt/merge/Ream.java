package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.DistanceAligner;
import dev.smelt.model.Expert;
import dev.smelt.routing.LayerStatistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * REAM: the experts with the highest saliency take in those that resemble them most (arXiv
 * 2604.04356, section 3).
 *
 * <p>The saliency is the mean over an expert's routed tokens of gate value times norm of the output
 * (equation 3); the similarity is the cosine of the router logits plus the mean cosine of the
 * outputs (equations 5, 7, 8); in the order of falling saliency each centroid takes in up to a
 * number of the most similar experts that are not taken yet; members are aligned to the centroid by
 * distances of weights and activations, and averaged by saliency (equation 6).
 *
 * <p>Deliberate differences: gate values are those that the model applies, after renormalisation
 * and scaling, also for sigmoid routers and routers with a selection bias; outputs and activations
 * are compared on the sampled tokens, and weights without a reduction of their dimension; all
 * layers are planned on the original model.
 */
final class Ream implements MergeMethod {
  /** How many experts a centroid takes in at most. */
  private static final int GROUP_SIZE = 16;

  @Override
  public String name() {
    return "ream";
  }

  @Override
  public String summary() {
    return "the most salient experts take in those that resemble them, aligned, by saliency";
  }

  @Override
  public boolean usesSimilarity() {
    return false;
  }

  @Override
  public MergeOptions adjusted(MergeOptions options) {
    return new MergeOptions(
        options.experts(),
        options.similarity(),
        AlignmentMode.BOTH,
        MergeWeights.SALIENCY,
        options.router(),
        options.adaptive(),
        options.output());
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    double[] saliency = saliency(context.statistics());
    double[][] similarity = similarity(context);
    return RouterCells.plan(
        context,
        options.experts(),
        (experts, keep) -> pseudoPrune(experts, keep, saliency, similarity));
  }

  /** Equation 3. */
  private static double[] saliency(LayerStatistics s) {
    double[] means = new double[s.experts()];
    Arrays.setAll(means, e -> s.routed()[e] == 0 ? 0 : s.gatedNormSum()[e] / s.routed()[e]);
    return means;
  }

  /** Equation 8: the sum of equations 5 and 7. */
  private static double[][] similarity(LayerContext context) {
    double[][] gates = Similarity.ROUTER_LOGITS.of(context);
    double[] outputs = new SampledOutputs(context).meanCosines();
    int n = context.experts();
    double[][] sum = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        sum[i][j] = gates[i][j] + outputs[i * n + j];
      }
    }
    return sum;
  }

  /** Centroids, most salient first, take in the most similar of the experts that are left. */
  private static List<Group> pseudoPrune(
      List<Integer> experts, int keep, double[] saliency, double[][] similarity) {
    List<Integer> order = Ranking.descending(experts, saliency);
    List<Integer> left = new ArrayList<>(order.subList(keep, order.size()));
    if ((long) GROUP_SIZE * keep < left.size()) {
      throw SmeltException.usage(
          "ream: %d experts that take in at most %d each cannot hold %d others"
              .formatted(keep, GROUP_SIZE, left.size()),
          "leave more experts");
    }
    List<Group> groups = new ArrayList<>();
    for (int centroid : order.subList(0, keep)) {
      double[] alike = similarity[centroid];
      List<Integer> taken = Ranking.descending(left, alike).stream().limit(GROUP_SIZE).toList();
      left.removeAll(taken);
      List<Integer> members = new ArrayList<>(taken);
      members.add(centroid);
      groups.add(Group.weighted(centroid, members.stream().sorted().toList(), saliency));
    }
    return groups;
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group, MergeOptions options) {
    Expert centroid = context.expert(group.dominant());
    AlignmentMode mode = options.align();
    var aligner =
        new DistanceAligner(centroid, mode, context.sampledInputs(mode.usesActivations()));
    return AlignedAverage.of(context, group, centroid, aligner, (_, _) -> {});
  }
}
