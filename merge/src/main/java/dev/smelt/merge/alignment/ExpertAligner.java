package dev.smelt.merge.alignment;

import dev.smelt.io.Dtype;
import dev.smelt.model.Activation;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;

/**
 * Brings the neurons of experts into the order, sign and scale of a reference expert.
 *
 * <p>A gated expert is unchanged by a permutation of its neurons (rows of gate and up, columns of
 * down), and by scaling a row of up with any c other than zero, -1 included, and the column of down
 * with 1/c. The score of a pair of neurons is
 *
 * <pre>{@code <g, g'> / (|G| |G'|)  +  | <u, u'> / (|U| |U'|)  +  <d, d'> / (|D| |D'|) |}</pre>
 *
 * with up rows and down columns scaled to equal norms first, and Frobenius norms below; activations
 * add {@code |<z, z'>| / (|Z| |Z'|)}. The permutation with the largest sum is found exactly; the
 * identity is kept where it is as good.
 */
public final class ExpertAligner implements Aligner {
  private final Expert reference;
  private final AlignmentMode mode;
  private final Optional<Tensor> inputs;

  /**
   * Prepares a reference.
   *
   * @param reference the expert whose order others take, F32
   * @param mode by what neurons are matched
   * @param inputs tokens [S, H] on which activations are compared, if the mode uses them
   */
  public ExpertAligner(Expert reference, AlignmentMode mode, Optional<Tensor> inputs) {
    this.reference = reference;
    this.mode = mode;
    this.inputs = inputs;
  }

  @Override
  public Aligned align(Expert target) {
    if (mode == AlignmentMode.NONE) {
      return new Aligned(target, Optional.empty());
    }
    Tensor signed = upDown(reference).linear(upDown(target));
    Tensor weights = unit(reference.gate()).linear(unit(target.gate()));
    weights.addInPlace(free(signed));
    Tensor score = weights;
    if (mode.usesActivations()) {
      Tensor correlation = activations(reference).linear(activations(target));
      score = mode.usesWeights() ? weights.add(free(correlation)) : free(correlation);
      signed = mode.usesWeights() ? signed : correlation;
    }
    int[] permutation = NeuronMatch.best(score);
    Expert matched = NeuronMatch.permuted(target, permutation);
    Tensor sign = NeuronMatch.pick(signed, permutation).sign();
    Tensor flips = Tensors.where(sign.equal(Tensors.zeros(Dtype.F32, 1)), sign.add(1), sign);
    return new Aligned(
        rescaled(matched, flips),
        Optional.of(
            new Alignment(
                cosine(weights, NeuronMatch.identity(permutation.length)),
                cosine(weights, permutation),
                NeuronMatch.fixedShare(permutation))));
  }

  /** A matrix over its Frobenius norm. */
  private static Tensor unit(Tensor matrix) {
    double norm = matrix.norm().item();
    return matrix.mul(norm > 0 ? 1 / norm : 0);
  }

  /** A row per neuron, [I, 2H]: its up row and its down column in equal norms. */
  private static Tensor upDown(Expert expert) {
    Tensor balance = balance(expert);
    Tensor up = expert.up().mul(balance.div(norm(expert.up().norm(1).mul(balance))).unsqueeze(-1));
    Tensor columns = balance.mul(norm(expert.down().norm(0).div(balance)));
    return Tensors.concat(List.of(up, expert.down().div(columns).transpose(0, 1)), 1);
  }

  /** The norm of a matrix whose rows have these norms; infinite if it is zero. */
  private static Tensor norm(Tensor rowNorms) {
    double norm = rowNorms.norm().item();
    return Tensors.scalar(norm > 0 ? norm : Double.POSITIVE_INFINITY, rowNorms.dtype());
  }

  /** For each neuron the factor c that gives c * up row and down column / c equal norms. */
  private static Tensor balance(Expert expert) {
    if (!isScalable(expert)) {
      return Tensors.full(1, expert.up().dtype(), expert.up().size(0));
    }
    Tensor up = expert.up().norm(1);
    Tensor down = expert.down().norm(0);
    Tensor ratio = down.div(up).sqrt();
    Tensor usable = up.mul(down).greater(0);
    return Tensors.where(usable, ratio, Tensors.full(1, ratio.dtype(), ratio.shape()));
  }

  /** What the neurons compute on the sampled tokens, with up and down in equal norms, [I, S]. */
  private Tensor activations(Expert expert) {
    Tensor z = expert.intermediate(inputs.orElseThrow());
    return unit(z.mul(balance(expert))).transpose(0, 1);
  }

  /** Mean of the cosines of the three matrices. */
  private static double cosine(Tensor weights, int[] permutation) {
    return NeuronMatch.total(weights, permutation) / 3;
  }

  /** Gives each neuron the sign of its match and the reference's ratio of up to down. */
  private Expert rescaled(Expert matched, Tensor flips) {
    if (!isScalable(reference)) {
      return matched;
    }
    Tensor factor = flips.mul(balance(matched)).div(balance(reference));
    return matched.with(
        matched.gate(), matched.up().mul(factor.unsqueeze(-1)), matched.down().div(factor));
  }

  /**
   * Whether up rows and down columns may be scaled against each other: not where up is inside the
   * activation, clamped, or has a bias.
   */
  private static boolean isScalable(Expert expert) {
    return expert.form().gated()
        && expert.form().activation() != Activation.CLAMPED_SWISH
        && expert.biases().isEmpty();
  }

  /** The size of a similarity whose sign can be undone by a scale, else the similarity itself. */
  private Tensor free(Tensor similarity) {
    return isScalable(reference) ? similarity.abs() : similarity;
  }
}
