package dev.smelt.model.export;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;

/**
 * New values for a tensor of a checkpoint, or for a part of it.
 *
 * @param tensor the tensor
 * @param byteOffset where the part begins within the stored tensor, in bytes
 * @param values the values, in whatever type and in the order in which they are stored; they belong
 *     to the caller
 */
public record TensorPatch(StoredTensor tensor, long byteOffset, Tensor values) {
  /** Bytes that the values take in the type of the tensor. */
  public long bytes() {
    return values.elements() * tensor.dtype().bytes();
  }

  /** Checks that the part lies in the tensor. */
  public TensorPatch {
    long bytes = values.elements() * tensor.dtype().bytes();
    if (byteOffset < 0 || byteOffset + bytes > tensor.bytes()) {
      throw new IllegalArgumentException(
          "tensor %s of %d bytes has no part of %d bytes at %d"
              .formatted(tensor.name(), tensor.bytes(), bytes, byteOffset));
    }
  }
}
