package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Vectors for each token of many sequences: in memory, or in a mapped temporary file when they are
 * many. The file has no name any more once it is mapped, so nothing of it stays.
 */
public final class StateStore implements AutoCloseable {
  /** Bytes up to which states stay in memory unless the caller says otherwise. */
  public static final long MEMORY_LIMIT = 2L << 30;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final Dtype dtype;
  private final int width;
  private final long[] offsets;
  private final boolean mapped;

  private StateStore(List<int[]> sequences, Dtype dtype, int width, long memoryLimit) {
    this.dtype = dtype;
    this.width = width;
    offsets = new long[sequences.size() + 1];
    for (int i = 0; i < sequences.size(); i++) {
      offsets[i + 1] = offsets[i] + (long) sequences.get(i).length * width * dtype.bytes();
    }
    long bytes = offsets[sequences.size()];
    mapped = bytes > memoryLimit;
    memory = mapped ? map(bytes) : arena.allocate(bytes, 64);
  }

  /**
   * Room for a vector for each token.
   *
   * @param sequences token ids, of which only the lengths count
   * @param dtype element type
   * @param width elements of a vector
   * @param memoryLimit bytes above which a file is used
   */
  public static StateStore create(List<int[]> sequences, Dtype dtype, int width, long memoryLimit) {
    return new StateStore(sequences, dtype, width, memoryLimit);
  }

  private MemorySegment map(long bytes) {
    try {
      Path file = Files.createTempFile("smelt-states", ".bin");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
      }
    } catch (IOException e) {
      throw new SmeltException(
          Fault.RESOURCES,
          "a temporary file for " + bytes + " bytes of hidden states: " + e.getMessage(),
          "set java.io.tmpdir in SMELT_JAVA_OPTS to a directory with room, or draw fewer sequences",
          e);
    }
  }

  /** Whether the vectors are in a file. */
  public boolean isMapped() {
    return mapped;
  }

  /** Bytes of all vectors. */
  public long bytes() {
    return memory.byteSize();
  }

  /** Stores the vectors of a sequence, [T, width]. */
  public void put(int sequence, Tensor vectors) {
    MemorySegment source = vectors.to(dtype).contiguous().memory();
    MemorySegment.copy(source, 0, memory, offsets[sequence], source.byteSize());
  }

  /** The vectors of a sequence, [T, width], over the store's memory; not to be modified. */
  public Tensor get(int sequence) {
    long bytes = offsets[sequence + 1] - offsets[sequence];
    long length = bytes / ((long) width * dtype.bytes());
    return Tensors.ofMemory(memory.asSlice(offsets[sequence], bytes), dtype, length, width);
  }

  @Override
  public void close() {
    arena.close();
  }
}
