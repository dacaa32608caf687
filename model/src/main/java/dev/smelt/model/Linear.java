package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * A linear map.
 *
 * @param weight [out, in]
 * @param bias [out], if there is one
 */
public record Linear(Tensor weight, Optional<Tensor> bias) {
  /** Loads {@code name.weight} and, if it is there, {@code name.bias}. */
  static Linear load(Weights weights, String name) {
    return new Linear(weights.load(name + ".weight"), weights.find(name + ".bias"));
  }

  /** The part of the map that gives some of its results. */
  public Linear rows(long from, long count) {
    return new Linear(weight.narrow(0, from, count), bias.map(b -> b.narrow(0, from, count)));
  }

  /** Maps [.., in] to [.., out]. */
  public Tensor apply(Tensor input) {
    return bias.map(b -> input.linear(weight, b)).orElseGet(() -> input.linear(weight));
  }
}
