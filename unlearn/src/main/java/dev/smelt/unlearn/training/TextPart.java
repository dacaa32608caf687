package dev.smelt.unlearn.training;

import dev.smelt.model.TokenBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sequences with what enters the first layer that runs.
 *
 * @param sequences token ids
 * @param inputs hidden states of these sequences
 */
record TextPart(List<int[]> sequences, Inputs inputs) implements AutoCloseable {
  TokenBatch batch(int[] indices) {
    return new TokenBatch(Arrays.stream(indices).mapToObj(sequences::get).toList());
  }

  /** All sequences in runs of so many. */
  List<int[]> runs(int size) {
    int count = (sequences.size() + size - 1) / size;
    return IntStream.range(0, count)
        .mapToObj(
            i -> IntStream.range(i * size, Math.min(sequences.size(), (i + 1) * size)).toArray())
        .toList();
  }

  @Override
  public void close() {
    inputs.close();
  }
}
