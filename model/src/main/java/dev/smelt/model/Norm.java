package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;

/** A norm over the last dimension. */
public sealed interface Norm permits RmsNorm, LayerNorm, UnitNorm {
  /** Normalises [.., size]. */
  Tensor apply(Tensor input);
}
