package dev.smelt.model.mixer;

import dev.smelt.model.tensor.Tensor;

/** The part of a layer that lets a token see the tokens before it. */
public interface Mixer {
  /** Mixes within each sequence, from its first token on: [B, T, H] to [B, T, H]. */
  Tensor apply(Tensor input);
}
