package dev.smelt.merge.alignment;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;

/** One neuron of a target for each neuron of a reference, and what follows from such a choice. */
final class NeuronMatch {
  private NeuronMatch() {}

  /**
   * The permutation with the largest total score; the identity where that is as good.
   *
   * @param score [I, I], neurons of the reference by neurons of the target, F32
   * @return for each neuron of the reference the neuron of the target
   */
  static int[] best(Tensor score) {
    int n = (int) score.size(0);
    int[] identity = identity(n);
    int[] best = Assignment.maximise(Costs.of(score.contiguous().memory(), n));
    return total(score, best) > total(score, identity) ? best : identity;
  }

  static int[] identity(int n) {
    int[] identity = new int[n];
    Arrays.setAll(identity, i -> i);
    return identity;
  }

  /** The sum of the scores that a permutation picks. */
  static double total(Tensor score, int[] permutation) {
    return pick(score, permutation).to(Dtype.F64).sum().item();
  }

  static Tensor pick(Tensor score, int[] permutation) {
    return score.gather(1, Tensors.ofInts(permutation).unsqueeze(-1)).reshape(-1);
  }

  static double fixedShare(int[] permutation) {
    int fixed = 0;
    for (int i = 0; i < permutation.length; i++) {
      fixed += permutation[i] == i ? 1 : 0;
    }
    return (double) fixed / permutation.length;
  }

  /** An expert with its neurons in another order, which computes the same. */
  static Expert permuted(Expert expert, int[] permutation) {
    Tensor index = Tensors.ofInts(permutation);
    return expert.map(
        (part, tensor) ->
            part.neuronDimension().isPresent()
                ? tensor.indexSelect(part.neuronDimension().getAsInt(), index)
                : tensor);
  }
}
