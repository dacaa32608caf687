package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
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
    try (HiddenStates original = HiddenStates.embed(model, batches, compute);
        HiddenStates reduced = original.copy()) {
      TokenSplit split = TokenSplit.draw(LayerTokens.lengths(original), seed);
      for (int l = 0; l < model.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          pass(model.layer(l, compute), original, reduced, split, edit, sink);
        }
      }
    }
  }

  private void pass(
      DecoderLayer layer,
      HiddenStates original,
      HiddenStates reduced,
      TokenSplit split,
      LayerEdit edit,
      ReducedLayerSink sink) {
    original.advance(layer, MoeObserver.NONE);
    if (layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block)) {
      attend(layer, reduced);
      var tokens = new LayerTokens(layer, block.shared(), original, reduced, split);
      MoeBlock stored = reduce(layer.index(), block, tokens, edit, sink);
      addBlock(layer, StoredTypes.all(compute).of(stored), reduced);
    } else {
      reduced.advance(layer, MoeObserver.NONE);
    }
  }

  private MoeBlock reduce(
      int index, MoeBlock original, LayerTokens tokens, LayerEdit edit, ReducedLayerSink sink) {
    MoeLayer onDisk = model.moeLayer(index).orElseThrow();
    ReducedBlock edited = edit.reduce(index, original, tokens);
    BlockRepair done = BlockRepair.of(edited.block(), tokens, repair, seed + index);
    MoeBlock stored = StoredTypes.of(onDisk).of(done.block());
    double after =
        BlockError.of(StoredTypes.all(compute).of(stored), tokens, tokens.split().heldOut())
            .relative();
    sink.accept(
        new ReducedBlock(edited.survivors(), stored),
        done.report(index, edited.survivors(), after));
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
