package dev.smelt.model.mixer;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/** What mixers keep of sequences that arrive in pieces. */
public final class MixerMemory implements AutoCloseable {
  private final int capacity;
  private final List<Tensor> buffers = new ArrayList<>();

  /**
   * Room for sequences.
   *
   * @param capacity tokens of a sequence at most
   */
  public MixerMemory(int capacity) {
    this.capacity = capacity;
  }

  /** Tokens of a sequence at most. */
  public int capacity() {
    return capacity;
  }

  /** A tensor without defined values that lives until this memory is closed. */
  public Tensor buffer(Dtype dtype, long... shape) {
    try (var scope = Scope.open()) {
      Tensor buffer = scope.release(Tensors.empty(dtype, shape));
      buffers.add(buffer);
      return buffer;
    }
  }

  /** Bytes of all buffers. */
  public long bytes() {
    return buffers.stream().mapToLong(b -> b.elements() * b.dtype().bytes()).sum();
  }

  @Override
  public void close() {
    buffers.forEach(Tensor::close);
    buffers.clear();
  }
}
