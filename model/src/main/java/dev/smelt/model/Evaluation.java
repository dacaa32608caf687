package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.HiddenStates.SequenceLoss;
import dev.smelt.model.tensor.Scope;
import java.util.List;
import java.util.function.IntConsumer;

/** The loss of a model on sequences, each evaluated on its own, layer by layer. */
public final class Evaluation {
  private Evaluation() {}

  /**
   * Evaluates sequences.
   *
   * @param model the model
   * @param compute element type of the forward pass
   * @param batchTokens tokens that go through a layer together
   * @param sequences token ids, each with at least two tokens
   * @param progress is told each layer that is finished
   * @return a loss for each sequence, in order
   */
  public static List<SequenceLoss> losses(
      MoeModel model, Dtype compute, int batchTokens, List<int[]> sequences, IntConsumer progress) {
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l < model.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          states.advance(model.layer(l, compute), MoeObserver.NONE);
        }
        progress.accept(l);
      }
      try (var _ = Scope.open()) {
        return states.losses(model.decoderHead(compute));
      }
    }
  }
}
