package dev.smelt.routing;

import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Gathers the statistics of one layer after the other while somebody else's stream of tokens
 * passes; the same tokens are sampled in every layer. Transitions between layers are left out.
 */
public final class StreamStatistics {
  private final MoeModel model;
  private final long[] positions;
  private Optional<StatisticsCollector> collector = Optional.empty();

  /**
   * Draws the sample.
   *
   * @param model whose layers are watched
   * @param tokens tokens of the stream, without padding
   * @param sampleTokens tokens to sample
   * @param seed of the sample
   */
  public StreamStatistics(MoeModel model, long tokens, int sampleTokens, long seed) {
    this.model = model;
    positions = samplePositions(tokens, sampleTokens, seed);
  }

  /** Begins a layer with experts; all batches must pass the observer, in order. */
  public MoeObserver begin(int layer) {
    int experts = model.moeLayer(layer).orElseThrow().experts().count();
    int hidden = model.architecture().hidden();
    StatisticsCollector begun =
        new StatisticsCollector(experts, hidden, positions, Optional.empty());
    collector = Optional.of(begun);
    return begun;
  }

  /** The statistics of the layer that was begun last, after its last batch. */
  public LayerStatistics finish(int layer) {
    LayerStatistics finished = collector.orElseThrow().finish(layer);
    collector = Optional.empty();
    return finished;
  }

  /** Distinct positions among all tokens, ascending (Vitter's selection sampling). */
  static long[] samplePositions(long tokens, int sampleTokens, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long wanted = Math.min(sampleTokens, tokens);
    long[] positions = new long[(int) wanted];
    int taken = 0;
    for (long position = 0; taken < wanted; position++) {
      if (random.nextLong(tokens - position) < wanted - taken) {
        positions[taken++] = position;
      }
    }
    return positions;
  }
}
