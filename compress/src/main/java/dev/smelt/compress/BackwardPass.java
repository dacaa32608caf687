package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.StateStore;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Squared gradients of the language-model loss with respect to the experts of every layer, one
 * layer in memory at a time.
 *
 * <p>Every layer runs forward once, and what enters it is stored. Then, from the last layer to the
 * first one with experts, each is read again, computes its output once more for one sequence after
 * the other, and is told the gradient of the loss with respect to that output; what this says of
 * its input takes the place of the input, for the layer before it.
 *
 * <p>A sequence is a sample: its loss is the mean negative log-likelihood of its predicted tokens,
 * and the squares are those of the gradient of this loss, averaged over sequences.
 *
 * @param model whose loss it is
 * @param compute type of the passes; squares are F64 if it is F64, else F32
 * @param sequences token ids, each with at least two tokens
 * @param batchTokens tokens that go forward through a layer together
 * @param memoryLimit bytes above which what enters the layers lies in a temporary file
 */
record BackwardPass(
    MoeModel model, Dtype compute, List<int[]> sequences, int batchTokens, long memoryLimit) {
  /** Takes the squares of a layer, which live until it returns; the last layer comes first. */
  @FunctionalInterface
  interface Visitor {
    void visit(MoeLayer layer, SquaredGradients squares);
  }

  private int first() {
    return model.moeLayers().getFirst().layer();
  }

  private int layers() {
    return model.architecture().layers();
  }

  /** How often {@link #run} reports progress. */
  static int steps(MoeModel model) {
    return 2 * model.architecture().layers() - model.moeLayers().getFirst().layer();
  }

  /** Bytes of what enters the layers. */
  static long stateBytes(MoeModel model, Dtype compute, long tokens) {
    long stored = model.architecture().layers() - model.moeLayers().getFirst().layer() + 1L;
    return stored * tokens * model.architecture().hidden() * compute.bytes();
  }

  /**
   * Runs forward and backward.
   *
   * @param visitor takes the squares of each layer with experts
   * @param progress is told each layer that was run forward or backward
   * @throws SmeltException (checkpoint) if the loss of a sequence or a gradient is not finite
   */
  void run(Visitor visitor, IntConsumer progress) {
    List<int[]> places = new ArrayList<>();
    for (int l = first(); l <= layers(); l++) {
      places.addAll(sequences);
    }
    int hidden = model.architecture().hidden();
    try (StateStore store = StateStore.create(places, compute, hidden, memoryLimit)) {
      forward(store, progress);
      head(store);
      for (int l = layers() - 1; l >= first(); l--) {
        backward(l, store, visitor);
        progress.accept(l);
      }
    }
  }

  /** Where the store has what enters a layer; what leaves the last one is where a next would be. */
  private int place(int layer, int sequence) {
    return (layer - first()) * sequences.size() + sequence;
  }

  private void forward(StateStore store, IntConsumer progress) {
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l < layers(); l++) {
        if (l >= first()) {
          store.putAll(place(l, 0), states);
        }
        try (var _ = Scope.open()) {
          states.advance(model.layer(l, compute), MoeObserver.NONE);
        }
        progress.accept(l);
      }
      store.putAll(place(layers(), 0), states);
    }
  }

  /** Replaces what leaves the last layer by the gradient of the loss with respect to it. */
  private void head(StateStore store) {
    try (var _ = Scope.open()) {
      LanguageHead head = model.head(compute);
      for (int s = 0; s < sequences.size(); s++) {
        try (var _ = Scope.open()) {
          int[] sequence = sequences.get(s);
          LanguageHead.Slope slope = head.lossSlope(store.get(place(layers(), s)), sequence);
          if (!Double.isFinite(slope.sum())) {
            throw SmeltException.checkpoint(
                model.checkpoint().directory()
                    + ": the loss of a calibration sequence is NaN or infinite",
                "smelt verify MODEL lists tensors with NaN; else try --compute f32");
          }
          store.put(place(layers(), s), slope.gradient().mul(1.0 / (sequence.length - 1)));
        }
      }
    }
  }

  private void backward(int l, StateStore store, Visitor visitor) {
    try (var _ = Scope.open()) {
      DecoderLayer layer = model.layer(l, compute);
      Optional<MoeLayer> moe = model.moeLayer(l);
      LayerBackward backward =
          moe.map(m -> LayerBackward.of(layer, LayerShape.of(m, model.architecture().hidden())))
              .orElseGet(() -> LayerBackward.dense(layer));
      for (int s = 0; s < sequences.size(); s++) {
        try (var _ = Scope.open()) {
          Optional<Tensor> before =
              backward.add(
                  sequences.get(s),
                  store.get(place(l, s)),
                  store.get(place(l + 1, s)),
                  l > first());
          int place = place(l, s);
          before.ifPresent(gradient -> store.put(place, gradient));
        }
      }
      moe.ifPresent(m -> visitor.visit(m, backward.squares(sequences.size())));
    }
  }
}
