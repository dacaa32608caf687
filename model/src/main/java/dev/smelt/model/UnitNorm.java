package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;

/**
 * Root-mean-square norm over the last dimension without a weight, computed in F32 or better.
 *
 * @param epsilon added to the mean square
 */
public record UnitNorm(double epsilon) implements Norm {
  @Override
  public Tensor apply(Tensor input) {
    return wide(input).to(input.dtype());
  }

  /** The result before it is rounded to the type of the input: F32 or F64. */
  Tensor wide(Tensor input) {
    Tensor wide = input.dtype().bytes() < 4 ? input.to(Dtype.F32) : input;
    return wide.mul(wide.square().mean(-1, true).add(epsilon).rsqrt());
  }
}
