package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/** A loss whose forget term depends on how likely the forget sequences are. */
public non-sealed interface LikelihoodLoss extends UnlearnLoss {
  /** Whether it compares with the likelihood under the untouched weights. */
  boolean usesReference();

  /** The forget term, a tensor without dimensions. */
  Tensor forget(SequenceLosses losses, LossConstants constants);
}
