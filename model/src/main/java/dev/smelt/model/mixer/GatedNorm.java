package dev.smelt.model.mixer;

import dev.smelt.model.tensor.Tensor;

/**
 * Root-mean-square norm with a gate, as recurrent mixers end with; computed in the type of its
 * weight.
 *
 * @param weight [size], F32 or F64
 * @param epsilon added to the mean square
 */
record GatedNorm(Tensor weight, double epsilon) {

  /** Normalises [.., size]. */
  Tensor apply(Tensor input) {
    return unit(input).mul(weight);
  }

  /**
   * Normalises each of some groups of [.., size] on its own.
   *
   * @param groups number of groups, which stand side by side
   */
  Tensor apply(Tensor input, long groups) {
    long[] shape = input.shape();
    Tensor split = input.reshape(-1, groups, shape[shape.length - 1] / groups);
    return unit(split).reshape(shape).mul(weight);
  }

  private Tensor unit(Tensor input) {
    Tensor wide = input.to(weight.dtype());
    return wide.mul(wide.square().mean(-1, true).add(epsilon).rsqrt());
  }
}
