package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * A loss over the hidden states that leave the target layer; layers after it do not run. Its retain
 * term is the mean square of the change of the hidden states of retain tokens.
 */
public non-sealed interface RepresentationLoss extends UnlearnLoss {
  /**
   * The forget term, a tensor without dimensions.
   *
   * @param hidden hidden states of the forget tokens, [n, H]
   * @param norms Euclidean norms of the same states under the untouched weights, [n, 1]
   * @param direction unit vector, [H]
   */
  Tensor forget(Tensor hidden, Tensor norms, Tensor direction, LossConstants constants);

  /**
   * The retain term, a tensor without dimensions.
   *
   * @param hidden hidden states of the retain tokens, [n, H]
   * @param reference the same under the untouched weights, [n, H]
   */
  default Tensor retain(Tensor hidden, Tensor reference) {
    return hidden.sub(reference).square().mean();
  }

  @Override
  default boolean usesRetain() {
    return true;
  }
}
