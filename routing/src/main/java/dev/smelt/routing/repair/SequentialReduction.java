package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/**
 * Walks the layers once with two streams of the same tokens: the original model, and the model that
 * is being reduced. Each layer with experts is edited, repaired towards the original stream on what
 * the reduced model itself sees, handed to the sink, and then lets the reduced stream pass in the
 * types in which it will be written.
 *
 * <p>Memory: one layer, two {@link HiddenStates}, and what {@link Refit} or {@link Fit} state.
 *
 * @param model the original model
 * @param compute the type of both streams
 * @param repair how layers are repaired
 * @param seed decides which tokens are held out, and the order of those that are learnt from
 */
public record SequentialReduction(MoeModel model, Dtype compute, RepairOptions repair, long seed) {

  /**
   * Reduces all layers.
   *
   * @param batches calibration tokens
   * @param edit takes experts away
   * @param sink takes the finished layers
   */
  public void run(List<TokenBatch> batches, LayerEdit edit, ReducedLayerSink sink) {
    run(batches, edit, sink, ReductionState.none());
  }

  /**
   * Reduces all layers that are not finished yet; the sink gets the finished ones first.
   *
   * @param batches calibration tokens, the same as when the state was begun
   * @param edit takes experts away
   * @param sink takes the finished layers
   * @param state where each finished layer is stored
   */
  public void run(
      List<TokenBatch> batches, LayerEdit edit, ReducedLayerSink sink, ReductionState state) {
    state.replay(this::original, sink);
    try (HiddenStates original = HiddenStates.embed(model, batches, compute);
        HiddenStates reduced = original.copy()) {
      state.restore(original, reduced);
      TokenSplit split = TokenSplit.draw(LayerTokens.lengths(original), seed);
      Walk walk = new Walk(original, reduced, split, edit, sink, state);
      for (int l = state.next(); l < model.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          pass(model.layer(l, compute), walk);
        }
        state.finish(l, original, reduced);
      }
    }
  }

  private MoeBlock original(int layer) {
    if (model.layer(layer, compute).feedForward() instanceof FeedForward.Sparse(MoeBlock block)) {
      return block;
    }
    throw new IllegalStateException("layer " + layer + " has no experts");
  }

  /** What stays the same over all layers. */
  private record Walk(
      HiddenStates original,
      HiddenStates reduced,
      TokenSplit split,
      LayerEdit edit,
      ReducedLayerSink sink,
      ReductionState state) {}

  private void pass(DecoderLayer layer, Walk walk) {
    walk.original().advance(layer, MoeObserver.NONE);
    if (layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block)) {
      attend(layer, walk.reduced());
      var tokens =
          new LayerTokens(layer, block.shared(), walk.original(), walk.reduced(), walk.split());
      MoeBlock stored = reduce(layer.index(), block, tokens, walk);
      MoeBlock routed = StoredTypes.all(compute).of(stored);
      addBlock(layer, block.with(routed.router(), routed.experts()), walk.reduced());
    } else {
      walk.reduced().advance(layer, MoeObserver.NONE);
    }
  }

  /** Edits and repairs a block; returns what will be written, without the shared expert. */
  private MoeBlock reduce(int index, MoeBlock original, LayerTokens tokens, Walk walk) {
    ReducedBlock edited = walk.edit().reduce(index, original, tokens);
    BlockRepair done = BlockRepair.of(edited.block(), tokens, repair, seed + index);
    MoeBlock stored = StoredTypes.of(model.moeLayer(index).orElseThrow()).of(done.block());
    MoeBlock computed = StoredTypes.all(compute).of(stored);
    double after = BlockError.of(computed, tokens, tokens.split().heldOut()).relative();
    ReducedBlock finished = new ReducedBlock(edited.survivors(), stored);
    LayerRepair report = done.report(index, edited.survivors(), after);
    walk.state().store(finished, report);
    walk.sink().accept(finished, report);
    return stored;
  }

  private static void attend(DecoderLayer layer, HiddenStates states) {
    for (int i = 0; i < states.size(); i++) {
      try (var _ = Scope.open()) {
        states.state(i).copyFrom(layer.attend(states.state(i)));
      }
    }
  }

  private static void addBlock(DecoderLayer layer, MoeBlock block, HiddenStates attended) {
    for (int i = 0; i < attended.size(); i++) {
      try (var _ = Scope.open()) {
        TokenBatch batch = attended.batch(i);
        Tensor state = attended.state(i);
        Tensor rows = batch.rows(layer.blockInput(state));
        state.copyFrom(state.add(batch.padded(block.apply(rows, layer.index(), MoeObserver.NONE))));
      }
    }
  }
}
