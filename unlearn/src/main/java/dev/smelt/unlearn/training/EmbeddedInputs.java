package dev.smelt.unlearn.training;

import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import java.util.function.Supplier;

/**
 * Embeddings, looked up in every step because they are trained too.
 *
 * @param model the model
 * @param weights its weights as they are now
 */
record EmbeddedInputs(MoeModel model, Supplier<Weights> weights) implements Inputs {
  @Override
  public Tensor of(int[] indices, TokenBatch batch) {
    return model.embed(batch.ids(), weights.get());
  }

  @Override
  public void close() {}
}
