package dev.smelt.model.layer;

import dev.smelt.model.tensor.Tensor;

/**
 * A layer that does no more with the output of its experts than to add it, times a factor, to a
 * state that also gives their input: {@code base + factor * experts(input(base))}.
 */
public interface Additive {
  /** What the output is added to, of the state before the layer: [B, T, H] to [B, T, H]. */
  Tensor base(Tensor hidden);

  /** What the experts see, of the base: [.., H] to [.., H]. */
  Tensor input(Tensor base);

  /** The factor on their output. */
  double factor();
}
