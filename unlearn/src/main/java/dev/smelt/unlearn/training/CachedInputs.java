package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.StateStore;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * Hidden states that enter a layer, computed once: everything before it is frozen, so they never
 * change.
 */
public final class CachedInputs implements Inputs {
  private final StateStore store;

  private CachedInputs(StateStore store) {
    this.store = store;
  }

  /**
   * Runs sequences through all layers before one, a layer at a time. Sequences go in portions whose
   * hidden states fit the memory limit.
   *
   * @param model the model
   * @param compute element type of the forward pass and of the stored states
   * @param batchTokens tokens that go through a layer together
   * @param sequences token ids
   * @param layer the layer whose inputs are wanted
   * @param memoryLimit bytes of hidden states above which a file is used
   */
  public static CachedInputs compute(
      MoeModel model,
      Dtype compute,
      int batchTokens,
      List<int[]> sequences,
      int layer,
      long memoryLimit) {
    int hidden = model.architecture().hidden();
    StateStore store = StateStore.create(sequences, compute, hidden, memoryLimit);
    try {
      long room = Math.max(batchTokens, memoryLimit / ((long) hidden * compute.bytes()));
      int from = 0;
      for (TokenBatch portion : TokenBatch.split(sequences, (int) Math.min(1 << 30, room))) {
        fill(
            store, from, model, compute, TokenBatch.split(portion.sequences(), batchTokens), layer);
        from += portion.size();
      }
      return new CachedInputs(store);
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  private static void fill(
      StateStore store,
      int from,
      MoeModel model,
      Dtype compute,
      List<TokenBatch> batches,
      int layer) {
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l < layer; l++) {
        try (var _ = Scope.open()) {
          states.advance(model.layer(l, compute), MoeObserver.NONE);
        }
      }
      store.putAll(from, states);
    }
  }

  /** Where the states are. */
  public StateStore store() {
    return store;
  }

  @Override
  public Tensor of(int[] indices, TokenBatch batch) {
    return padded(store, indices, batch.length());
  }

  /** Vectors of sequences, [B, length, width], zeros after the end of each. */
  static Tensor padded(StateStore store, int[] indices, int length) {
    List<Tensor> rows = new ArrayList<>();
    for (int index : indices) {
      Tensor own = store.get(index);
      long missing = length - own.size(0);
      rows.add(
          missing == 0
              ? own
              : Tensors.concat(List.of(own, Tensors.zeros(own.dtype(), missing, own.size(1))), 0));
    }
    return Tensors.stack(rows);
  }

  @Override
  public void close() {
    store.close();
  }
}
