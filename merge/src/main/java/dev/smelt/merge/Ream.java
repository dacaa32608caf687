package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.DistanceAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.LayerStatistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

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
 * are compared on the sampled tokens, and weights without a reduction of their dimension. {@link
 * Variant#RELEASED} follows the authors' code where it changes the groups: saliency with the square
 * of the full softmax, cosine of mean gated outputs, Euclidean distance of normalised logits, and a
 * group size that counts the centroid.
 */
final class Ream implements MergeMethod {
  /** What a saliency of zero counts at most in the authors' code. */
  private static final double RELEASED_FLOOR = 0.5;

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
    return options.with(AlignmentMode.BOTH).with(MergeWeights.SALIENCY);
  }

  @Override
  public Set<MergeOption> offered() {
    return Set.of(MergeOption.GROUP_SIZE, MergeOption.VARIANT);
  }

  @Override
  public boolean sequential() {
    return true;
  }

  @Override
  public void check(int experts, int keep, MergeOptions options) {
    if ((long) absorbed(options) * keep < experts - keep) {
      throw SmeltException.usage(
          "--group-size %d: %d experts that take in at most %d each cannot hold %d others"
              .formatted(options.groupSize(), keep, absorbed(options), experts - keep),
          "choose a larger --group-size, or leave more experts");
    }
  }

  /** Experts that a centroid takes in at most. */
  private static int absorbed(MergeOptions options) {
    return options.variant() == Variant.RELEASED ? options.groupSize() - 1 : options.groupSize();
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    boolean released = options.variant() == Variant.RELEASED;
    double[] saliency = released ? releasedSaliency(context) : saliency(context.statistics());
    double[][] similarity = released ? releasedSimilarity(context) : similarity(context);
    return RouterCells.plan(
        context,
        options.experts(),
        (experts, keep) -> {
          check(experts.size(), keep, options);
          return pseudoPrune(experts, keep, saliency, similarity, absorbed(options));
        });
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
      List<Integer> experts, int keep, double[] saliency, double[][] similarity, int absorbed) {
    List<Integer> order = Ranking.descending(experts, saliency);
    List<Integer> left = new ArrayList<>(order.subList(keep, order.size()));
    List<Group> groups = new ArrayList<>();
    for (int centroid : order.subList(0, keep)) {
      double[] alike = similarity[centroid];
      List<Integer> taken = Ranking.descending(left, alike).stream().limit(absorbed).toList();
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

  /** Mean over routed sampled tokens of the squared softmax times the norm of the output. */
  private static double[] releasedSaliency(LayerContext context) {
    SampledOutputs outputs = new SampledOutputs(context);
    Tensor logits = releasedLogits(context, outputs);
    Tensor chosen = logits.topK(context.model().architecture().topK()).indices();
    float[] values = logits.softmax(-1).square().mul(outputs.norms()).toFloats();
    long[] experts = chosen.toLongs();
    int n = context.experts();
    int k = (int) chosen.size(1);
    double[] sums = new double[n];
    long[] counts = new long[n];
    for (int slot = 0; slot < experts.length; slot++) {
      int e = (int) experts[slot];
      sums[e] += values[slot / k * n + e];
      counts[e]++;
    }
    Arrays.setAll(sums, e -> counts[e] == 0 ? 0 : sums[e] / counts[e]);
    double least = Arrays.stream(sums).filter(s -> s > 0).min().orElse(RELEASED_FLOOR);
    return Arrays.stream(sums).map(s -> s > 0 ? s : Math.min(RELEASED_FLOOR, least)).toArray();
  }

  private static Tensor releasedLogits(LayerContext context, SampledOutputs outputs) {
    var router =
        context.model().router(new Weights(context.model().checkpoint(), Dtype.F32), context.moe());
    return router.route(outputs.inputs()).logits().narrow(1, 0, context.experts());
  }

  /** (cosine of mean gated outputs + 1) / 2, and 1 - D / max D of the logits, in the mean. */
  private static double[][] releasedSimilarity(LayerContext context) {
    SampledOutputs outputs = new SampledOutputs(context);
    Tensor means = outputs.means(releasedLogits(context, outputs).softmax(-1));
    double[][] cosine =
        Similarity.cosines(means.matmul(means.transpose(0, 1)).toDoubles(), context);
    double[][] logits = Similarity.ROUTER_LOGITS.of(context);
    int n = context.experts();
    double[][] distance = new double[n][n];
    double largest = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        distance[i][j] = Math.sqrt(Math.max(0, 2 - 2 * logits[i][j]));
        largest = Math.max(largest, distance[i][j]);
      }
    }
    double[][] similarity = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double gate = largest > 0 ? 1 - distance[i][j] / largest : 1;
        similarity[i][j] = ((cosine[i][j] + 1) / 2 + gate) / 2;
      }
    }
    return similarity;
  }
}
