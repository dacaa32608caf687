package dev.smelt.io;

import java.nio.file.Path;
import java.util.List;

/**
 * A tensor and the place of its values in a file.
 *
 * @param info name, type and shape
 * @param file the safetensors file
 * @param offset the first byte of the values, counted from the start of the file
 * @param bytes the number of bytes, equal to {@code info.bytes()}
 */
public record StoredTensor(TensorInfo info, Path file, long offset, long bytes) {
  /** The name in the file. */
  public String name() {
    return info.name();
  }

  /** The element type. */
  public Dtype dtype() {
    return info.dtype();
  }

  /** The sizes, outermost first. */
  public List<Long> shape() {
    return info.shape();
  }

  /** The size of dimension {@code index}; negative counts from the last, as in {@code dim(-1)}. */
  public long dim(int index) {
    return info.shape().get(index < 0 ? index + info.shape().size() : index);
  }
}
