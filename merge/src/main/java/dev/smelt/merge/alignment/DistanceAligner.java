package dev.smelt.merge.alignment;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Brings the neurons of experts into the order of a reference expert, as REAM does: the cost of a
 * pair of neurons is the Euclidean distance of their weights (rows of gate and up, column of down,
 * as one vector of length 1) plus that of what they compute on the sampled tokens (a vector of
 * length 1 too). The permutation with the smallest total is found exactly.
 */
public final class DistanceAligner implements Aligner {
  private static final double LEAST_NORM = 1e-12;

  private final AlignmentMode mode;
  private final Optional<Tensor> inputs;
  private final Tensor referenceWeights;
  private final Optional<Tensor> referenceActivations;

  /**
   * Prepares a reference in the open scope.
   *
   * @param reference the expert whose order others take, F32
   * @param mode by what neurons are compared
   * @param inputs tokens [S, H] on which activations are compared, if the mode uses them
   */
  public DistanceAligner(Expert reference, AlignmentMode mode, Optional<Tensor> inputs) {
    this.mode = mode;
    this.inputs = inputs;
    referenceWeights = unit(weights(reference));
    referenceActivations =
        mode.usesActivations() ? Optional.of(unit(activations(reference))) : Optional.empty();
  }

  @Override
  public Aligned align(Expert target) {
    if (mode == AlignmentMode.NONE) {
      return new Aligned(target, Optional.empty());
    }
    Tensor weights = referenceWeights.linear(unit(weights(target)));
    Tensor score = Tensors.zeros(Dtype.F32, weights.shape());
    if (mode.usesWeights()) {
      score = distance(weights).mul(-1);
    }
    if (referenceActivations.isPresent()) {
      Tensor activations = referenceActivations.get().linear(unit(activations(target)));
      score = score.sub(distance(activations));
    }
    int[] permutation = NeuronMatch.best(score);
    int n = permutation.length;
    return new Aligned(
        NeuronMatch.permuted(target, permutation),
        Optional.of(
            new Alignment(
                NeuronMatch.total(weights, NeuronMatch.identity(n)) / n,
                NeuronMatch.total(weights, permutation) / n,
                NeuronMatch.fixedShare(permutation))));
  }

  /** Of vectors of length 1, from their inner products. */
  private static Tensor distance(Tensor cosine) {
    return cosine.mul(-2).add(2).clamp(0, 4).sqrt();
  }

  /** One row for each neuron, [I, 3H] (2H without a gate). */
  private static Tensor weights(Expert expert) {
    List<Tensor> parts = new ArrayList<>();
    if (expert.form().gated()) {
      parts.add(expert.gate());
    }
    parts.add(expert.up());
    parts.add(expert.down().transpose(0, 1));
    return Tensors.concat(parts, 1);
  }

  private Tensor activations(Expert expert) {
    return expert.intermediate(inputs.orElseThrow()).transpose(0, 1);
  }

  private static Tensor unit(Tensor rows) {
    return rows.div(rows.norm(-1).clamp(LEAST_NORM, Float.MAX_VALUE).unsqueeze(-1));
  }
}
