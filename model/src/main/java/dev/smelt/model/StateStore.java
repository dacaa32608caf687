package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.TensorStore;
import java.util.List;

/** Vectors for each token of many sequences: in memory, or in a file when they are many. */
public final class StateStore implements AutoCloseable {
  /** Bytes up to which states stay in memory unless the caller says otherwise. */
  public static final long MEMORY_LIMIT = 2L << 30;

  private final TensorStore store;

  private StateStore(TensorStore store) {
    this.store = store;
  }

  /**
   * Room for a vector for each token.
   *
   * @param sequences token ids, of which only the lengths count
   * @param dtype element type
   * @param width elements of a vector
   * @param memoryLimit bytes above which a file is used; see {@link TensorStore}
   */
  public static StateStore create(List<int[]> sequences, Dtype dtype, int width, long memoryLimit) {
    List<long[]> shapes = sequences.stream().map(s -> new long[] {s.length, width}).toList();
    return new StateStore(TensorStore.create(shapes, dtype, memoryLimit));
  }

  /** Whether the vectors are in a file. */
  public boolean isMapped() {
    return store.isMapped();
  }

  /** Bytes of all vectors. */
  public long bytes() {
    return store.bytes();
  }

  /** Stores the vectors of a sequence, [T, width]. */
  public void put(int sequence, Tensor vectors) {
    store.put(sequence, vectors);
  }

  /** Stores the states of the sequences of all batches, in order, from a place on. */
  public void putAll(int first, HiddenStates states) {
    int next = first;
    for (int i = 0; i < states.size(); i++) {
      List<int[]> sequences = states.batch(i).sequences();
      for (int b = 0; b < sequences.size(); b++, next++) {
        try (var _ = Scope.open()) {
          put(next, states.state(i).select(0, b).narrow(0, 0, sequences.get(b).length));
        }
      }
    }
  }

  /** The vectors of a sequence, [T, width], over the store's memory; not to be modified. */
  public Tensor get(int sequence) {
    return store.get(sequence);
  }

  @Override
  public void close() {
    store.close();
  }
}
