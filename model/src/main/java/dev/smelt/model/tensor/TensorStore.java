package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * Tensors of one type that outlive scopes, such as the hidden states of many sequences: in memory,
 * or in a mapped temporary file when they are large. The file has no name any more once it is
 * mapped, so nothing of it stays.
 */
public final class TensorStore implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final Dtype dtype;
  private final List<long[]> shapes;
  private final long[] offsets;
  private final boolean mapped;

  private TensorStore(List<long[]> shapes, Dtype dtype, long memoryLimit) {
    this.dtype = dtype;
    this.shapes = shapes.stream().map(long[]::clone).toList();
    offsets = new long[shapes.size() + 1];
    for (int i = 0; i < shapes.size(); i++) {
      offsets[i + 1] = offsets[i] + elements(shapes.get(i)) * dtype.bytes();
    }
    long bytes = offsets[shapes.size()];
    mapped = bytes > memoryLimit;
    memory = mapped ? map(bytes) : arena.allocate(bytes, 64);
  }

  /**
   * Room for tensors, which are zero at first.
   *
   * @param shapes of the tensors, in their order
   * @param dtype element type of all of them
   * @param memoryLimit bytes above which a file is used
   */
  public static TensorStore create(List<long[]> shapes, Dtype dtype, long memoryLimit) {
    return new TensorStore(shapes, dtype, memoryLimit);
  }

  private static long elements(long... shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  private MemorySegment map(long bytes) {
    try {
      Path file = Files.createTempFile("smelt-tensors", ".bin");
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
          "a temporary file for " + bytes + " bytes of intermediate values: " + e.getMessage(),
          "set java.io.tmpdir in SMELT_JAVA_OPTS to a directory with room, or draw fewer sequences",
          e);
    }
  }

  /** Whether the tensors are in a file. */
  public boolean isMapped() {
    return mapped;
  }

  /** Bytes of all tensors. */
  public long bytes() {
    return memory.byteSize();
  }

  /** Stores the values of a tensor of the shape that its place has, whatever their type. */
  public void put(int index, Tensor values) {
    if (!Arrays.equals(values.shape(), shapes.get(index))) {
      throw new IllegalArgumentException(
          "tensor %d: %s in a place of shape %s"
              .formatted(index, values, Arrays.toString(shapes.get(index))));
    }
    try (var _ = Scope.open()) {
      MemorySegment source = values.to(dtype).contiguous().memory();
      MemorySegment.copy(source, 0, memory, offsets[index], source.byteSize());
    }
  }

  /** A tensor over the store's memory; not to be modified, and gone when the store closes. */
  public Tensor get(int index) {
    MemorySegment own = memory.asSlice(offsets[index], offsets[index + 1] - offsets[index]);
    return Tensors.ofMemory(own, dtype, shapes.get(index));
  }

  @Override
  public void close() {
    arena.close();
  }
}
