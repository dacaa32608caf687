package dev.smelt.model.mixer;

import dev.smelt.model.tensor.Tensor;

/** The part of a layer that lets a token see the tokens before it. */
public interface Mixer {
  /** Mixes within each sequence, from its first token on: [B, T, H] to [B, T, H]. */
  Tensor apply(Tensor input);

  /**
   * The same mixer for sequences that arrive in pieces: each call of {@link #apply} continues them,
   * [B, t, H] to [B, t, H], and sees what came before.
   *
   * @param memory where it keeps what came before
   */
  default Mixer continuing(MixerMemory memory) {
    return new ContinuedMixer(this, memory);
  }
}
