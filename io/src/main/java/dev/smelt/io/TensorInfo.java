package dev.smelt.io;

import java.util.List;

/**
 * What a tensor is, wherever its values are.
 *
 * @param name the name in the file
 * @param dtype the element type
 * @param shape the sizes, outermost first; empty for a scalar
 * @param bytes the size of all values in bytes; derived from dtype and shape for every known type
 */
public record TensorInfo(String name, Dtype dtype, List<Long> shape, long bytes) {
  /** Checks that the sizes are not negative, do not overflow and agree with the bytes. */
  public TensorInfo {
    shape = List.copyOf(shape);
    long expected = byteCount(dtype, shape);
    if (expected < 0) {
      throw SmeltException.checkpoint(
          "tensor " + name + ": shape " + shape + " of " + dtype + " is negative or too large",
          "Sizes must be 0 or more, and all elements together must fit 2^63 - 1 bytes.");
    }
    if (bytes < 0 || (dtype.isKnown() && bytes != expected)) {
      throw SmeltException.checkpoint(
          "tensor %s: %s %s takes %d bytes, found %d"
              .formatted(name, dtype, shape, expected, bytes),
          "");
    }
  }

  /**
   * A tensor of a known type; its bytes follow from the shape.
   *
   * @throws SmeltException if the type is not known, so that its size cannot be derived
   */
  public TensorInfo(String name, Dtype dtype, List<Long> shape) {
    this(name, requireKnown(name, dtype), shape, Math.max(0, byteCount(dtype, shape)));
  }

  /** The number of elements; 1 for a scalar. */
  public long elements() {
    return elementCount(shape);
  }

  /** The same type and shape under another name. */
  public TensorInfo renamed(String newName) {
    return new TensorInfo(newName, dtype, shape, bytes);
  }

  /** The product of the sizes, or -1 if one is negative or the product overflows. */
  static long elementCount(List<Long> shape) {
    long count = 1;
    for (long size : shape) {
      if (size < 0 || Math.multiplyHigh(count, size) != 0 || count * size < 0) {
        return -1;
      }
      count *= size;
    }
    return count;
  }

  /** The bytes of a tensor (elements for an unknown type), or -1 if they overflow. */
  static long byteCount(Dtype dtype, List<Long> shape) {
    long elements = elementCount(shape);
    int width = Math.max(1, dtype.bytes());
    return elements > Long.MAX_VALUE / width ? -1 : elements * width;
  }

  private static Dtype requireKnown(String name, Dtype dtype) {
    if (dtype.isKnown()) {
      return dtype;
    }
    throw SmeltException.unsupported(
        "tensor " + name + ": the element size of dtype " + dtype + " is not known",
        "Tensors of this type can only be carried through unchanged.");
  }
}
