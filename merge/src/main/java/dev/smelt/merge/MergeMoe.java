package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.ExpertAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * MergeMoE: the down projection of a merged expert is the least-squares answer to what its members
 * compute (arXiv 2510.14436, section 4).
 *
 * <p>The most used experts are centres; every other one joins the centre with the largest cosine of
 * gate and up together; gate and up are averaged by frequency; with P the intermediate values of
 * the averaged expert and Y the frequency-weighted sum of the members' outputs on the sampled
 * tokens, the down projection is the least-squares solution of {@code P D^T = Y}.
 *
 * <p>Deliberate differences: where the paper takes the pseudoinverse, a ridge of {@link #RIDGE}
 * times the mean diagonal of the Gram matrix pulls towards the averaged down projection, so that
 * few tokens do no harm; router rows are those of the centres, where the paper keeps all rows and
 * sums their gate values, which stock models cannot.
 */
final class MergeMoe implements MergeMethod {
  /** Strength of the ridge relative to the mean diagonal of the Gram matrix. */
  private static final double RIDGE = 0.01;

  @Override
  public String name() {
    return "merge-moe";
  }

  @Override
  public String summary() {
    return "gate and up averaged by frequency, down by least squares on the members' outputs";
  }

  @Override
  public MergeOptions adjusted(MergeOptions options) {
    return options.with(Similarity.GATE_AND_UP).with(AlignmentMode.NONE);
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    return MSmoe.aroundMostUsed(context, options);
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group, MergeOptions options) {
    Tensor inputs = context.sampledInputs();
    Expert centre = context.expert(group.dominant());
    Tensor wanted = Tensors.zeros(Dtype.F32, inputs.size(0), inputs.size(1));
    var aligner =
        new ExpertAligner(
            centre, options.align(), context.sampledInputs(options.align().usesActivations()));
    MergedExpert averaged =
        AlignedAverage.of(
            context,
            group,
            centre,
            aligner,
            (member, weight) -> wanted.addInPlace(member.apply(inputs), weight));
    return new MergedExpert(solved(averaged.expert(), inputs, wanted), averaged.alignments());
  }

  /** The averaged expert with the down projection that comes nearest to the wanted outputs. */
  private static Expert solved(Expert average, Tensor inputs, Tensor wanted) {
    Tensor features = average.intermediate(inputs).to(Dtype.F64);
    Tensor missing = wanted.sub(average.apply(inputs)).to(Dtype.F64);
    Tensor columns = features.transpose(0, 1);
    Tensor gram = columns.matmul(features);
    long width = gram.size(0);
    Tensor identity = Tensors.oneHot(Tensors.range(width, Dtype.I64), width).to(Dtype.F64);
    double mean = gram.mul(identity).sum().item() / width;
    if (mean == 0) {
      return average;
    }
    Tensor lower = Linalg.cholesky(gram.addScaled(identity, RIDGE * mean));
    Tensor change = Linalg.choleskySolve(lower, columns.matmul(missing)).transpose(0, 1);
    Tensor down = average.down().add(change.to(Dtype.F32));
    return average.with(average.gate(), average.up(), down);
  }
}
