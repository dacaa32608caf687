package dev.smelt.unlearn.attribution;

import dev.smelt.io.Dtype;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * One streamed pass over a text that measures the affinity of every expert.
 *
 * @param model the model
 * @param compute element type of the forward pass
 * @param batchTokens tokens that go through a layer together
 */
public record AffinityRun(MoeModel model, Dtype compute, int batchTokens) {
  /**
   * What a pass measured.
   *
   * @param affinity of all sequences
   * @param stability agreement of the two halves of the sequences
   */
  public record Result(Affinity affinity, Stability stability) {}

  /**
   * Runs the pass.
   *
   * @param sequences token ids
   * @param progress is told each layer that is finished
   */
  public Result run(List<int[]> sequences, IntConsumer progress) {
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    long tokens = batches.stream().mapToLong(TokenBatch::tokens).sum();
    List<LayerAffinity> layers = new ArrayList<>();
    List<Stability.Halves> halves = new ArrayList<>();
    int last = model.moeLayers().getLast().layer();
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l <= last; l++) {
        Optional<AffinityCollector> collector = collector(l, sequences);
        try (var _ = Scope.open()) {
          states.advance(
              model.layer(l, compute),
              collector.map(c -> (MoeObserver) c).orElse(MoeObserver.NONE));
        }
        if (collector.isPresent()) {
          layers.add(collector.get().whole(l, tokens));
          halves.add(new Stability.Halves(collector.get().half(0), collector.get().half(1)));
        }
        progress.accept(l);
      }
    }
    return new Result(
        new Affinity(Affinity.Mean.SEQUENCES, layers, sequences.size(), tokens),
        Stability.of(halves, model.architecture().topK()));
  }

  private Optional<AffinityCollector> collector(int layer, List<int[]> sequences) {
    return model
        .moeLayer(layer)
        .map(MoeLayer::experts)
        .map(experts -> new AffinityCollector(sequences, experts.count()));
  }
}
