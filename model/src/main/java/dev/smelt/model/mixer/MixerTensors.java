package dev.smelt.model.mixer;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.Linear;
import dev.smelt.model.RmsNorm;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * Loads the tensors of one mixer. Large matrices come in the compute type; what a recurrence or a
 * gated norm computes with is <em>wide</em>: F64 if that is the compute type, else F32.
 *
 * @param weights where they are
 * @param prefix prefix of their names, with the dot
 */
record MixerTensors(Weights weights, String prefix) {

  /** Loads {@code name.weight} and, if it is there, {@code name.bias}. */
  Linear linear(String name) {
    return new Linear(
        weights.load(prefix + name + ".weight"), weights.find(prefix + name + ".bias"));
  }

  /** A norm without a gate, in the compute type. */
  RmsNorm norm(String name, double epsilon) {
    return new RmsNorm(weights.load(prefix + name + ".weight"), epsilon);
  }

  /** A norm with a gate. */
  GatedNorm gatedNorm(String name, double epsilon) {
    return new GatedNorm(wide(name + ".weight"), epsilon);
  }

  /** A convolution {@code name.weight} with, if it is there, {@code name.bias}. */
  CausalConvolution convolution(String name) {
    return new CausalConvolution(
        wide(name + ".weight"), weights.checkpoint().find(prefix + name + ".bias").map(this::wide));
  }

  /** A tensor, wide. */
  Tensor wide(String name) {
    return wide(weights.checkpoint().require(prefix + name));
  }

  /** The negative exponential of a tensor, wide: rates of decay from their logarithms. */
  Tensor rates(String name) {
    return wide(name).exp().mul(-1);
  }

  private Tensor wide(StoredTensor stored) {
    return weights.own(stored).to(wide(weights.dtype()));
  }

  /** The wide type of a compute type. */
  static Dtype wide(Dtype compute) {
    return compute.equals(Dtype.F64) ? Dtype.F64 : Dtype.F32;
  }
}
