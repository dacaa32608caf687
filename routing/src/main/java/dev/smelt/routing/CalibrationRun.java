package dev.smelt.routing;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * One streamed pass of the calibration tokens that gathers the statistics of every layer with
 * experts.
 *
 * @param model the model
 * @param compute element type of the forward pass
 * @param batchTokens tokens that go through a layer together
 * @param sampleTokens tokens to sample
 * @param seed seed of the sample
 */
public record CalibrationRun(
    MoeModel model, Dtype compute, int batchTokens, int sampleTokens, long seed) {
  /** Tokens in the sample unless the user says otherwise. */
  public static final int DEFAULT_SAMPLE = 1024;

  /**
   * Runs the pass.
   *
   * @param sequences token ids
   * @param progress is told each layer that is finished
   */
  public List<LayerStatistics> run(List<int[]> sequences, IntConsumer progress) {
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    long tokens = batches.stream().mapToLong(TokenBatch::tokens).sum();
    long[] positions = StreamStatistics.samplePositions(tokens, sampleTokens, seed);
    List<LayerStatistics> statistics = new ArrayList<>();
    Optional<StatisticsCollector> previous = Optional.empty();
    int last = model.moeLayers().getLast().layer();
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l <= last; l++) {
        if (model.architecture().isEncoderDecoder()) {
          previous = Optional.empty();
        }
        Optional<StatisticsCollector> collector = collector(l, positions, previous);
        advance(states, l, collector.map(c -> (MoeObserver) c).orElse(MoeObserver.NONE));
        if (collector.isPresent()) {
          statistics.add(collector.get().finish(l));
          previous = collector;
        }
        progress.accept(l);
      }
    }
    return List.copyOf(statistics);
  }

  private void advance(HiddenStates states, int l, MoeObserver observer) {
    try (var _ = Scope.open()) {
      DecoderLayer layer = model.layer(l, compute);
      states.advance(layer, observer);
    }
  }

  private Optional<StatisticsCollector> collector(
      int layer, long[] positions, Optional<StatisticsCollector> previous) {
    int hidden = model.architecture().hidden();
    return model
        .moeLayer(layer)
        .map(moe -> new StatisticsCollector(moe.experts().count(), hidden, positions, previous));
  }
}
