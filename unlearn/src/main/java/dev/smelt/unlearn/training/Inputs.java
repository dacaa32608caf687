package dev.smelt.unlearn.training;

import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Tensor;

/** What enters the first layer that is run in every step. */
public interface Inputs extends AutoCloseable {
  /**
   * Hidden states of a batch, [B, T, H], zeros in the padding.
   *
   * @param indices which sequences, in order
   * @param batch their tokens
   */
  Tensor of(int[] indices, TokenBatch batch);

  @Override
  void close();
}
