package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;

/**
 * Root-mean-square norm over the last dimension, computed in F32 or better.
 *
 * @param weight [size]; if it is wider than the input, the product is rounded, not the weight
 * @param epsilon added to the mean square
 */
public record RmsNorm(Tensor weight, double epsilon) implements Norm {
  @Override
  public Tensor apply(Tensor input) {
    Dtype dtype = input.dtype();
    Tensor unit = new UnitNorm(epsilon).wide(input);
    return weight.dtype().equals(dtype) ? unit.to(dtype).mul(weight) : unit.mul(weight).to(dtype);
  }
}
