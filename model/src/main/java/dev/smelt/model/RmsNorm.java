package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;

/**
 * Root-mean-square norm over the last dimension, computed in F32 or better.
 *
 * @param weight [size]
 * @param epsilon added to the mean square
 */
public record RmsNorm(Tensor weight, double epsilon) {
  /** Normalises [.., size]. */
  public Tensor apply(Tensor input) {
    Dtype dtype = input.dtype();
    Tensor wide = dtype.equals(Dtype.BF16) ? input.to(Dtype.F32) : input;
    Tensor scale = wide.square().mean(-1, true).add(epsilon).rsqrt();
    return wide.mul(scale).to(dtype).mul(weight);
  }
}
