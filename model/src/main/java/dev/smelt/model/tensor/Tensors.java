package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Makes tensors: from numbers, from mapped memory, from other tensors. */
public final class Tensors {
  static {
    Torch.initialise();
  }

  private Tensors() {}

  private static TensorOptions options(Dtype dtype) {
    return new TensorOptions(Torch.type(dtype));
  }

  /** A tensor of zeros. */
  public static Tensor zeros(Dtype dtype, long... shape) {
    return new Tensor(torch.zeros(shape, options(dtype)));
  }

  /** A tensor without defined values. */
  public static Tensor empty(Dtype dtype, long... shape) {
    return new Tensor(
        torch.empty(shape, options(dtype), new org.bytedeco.pytorch.MemoryFormatOptional()));
  }

  /** A tensor of one value. */
  public static Tensor full(double value, Dtype dtype, long... shape) {
    return new Tensor(torch.full(shape, new Scalar(value), options(dtype)));
  }

  /** The vector 0, 1, ... length-1. */
  public static Tensor range(long length, Dtype dtype) {
    return new Tensor(torch.arange(new Scalar((double) length), options(dtype)));
  }

  /** A tensor without dimensions. */
  public static Tensor scalar(double value, Dtype dtype) {
    return full(value, dtype);
  }

  /** An F32 tensor with these elements, row by row. */
  public static Tensor ofFloats(float[] values, long... shape) {
    try (var pointer = new FloatPointer(values)) {
      return new Tensor(torch.from_blob(pointer, shape, options(Dtype.F32)).clone());
    }
  }

  /** An F64 tensor with these elements, row by row. */
  public static Tensor ofDoubles(double[] values, long... shape) {
    try (var pointer = new DoublePointer(values)) {
      return new Tensor(torch.from_blob(pointer, shape, options(Dtype.F64)).clone());
    }
  }

  /** A tensor whose elements have these bytes, in little endian. */
  public static Tensor ofBytes(byte[] bytes, Dtype dtype, long... shape) {
    try (var pointer = new BytePointer(bytes)) {
      return new Tensor(torch.from_blob(pointer, shape, options(dtype)).clone());
    }
  }

  /** An I64 tensor with these elements, row by row. */
  public static Tensor ofLongs(long[] values, long... shape) {
    try (var pointer = new LongPointer(values)) {
      return new Tensor(torch.from_blob(pointer, shape, options(Dtype.I64)).clone());
    }
  }

  /** An I64 vector. */
  public static Tensor ofInts(int[] values) {
    long[] longs = new long[values.length];
    for (int i = 0; i < longs.length; i++) {
      longs[i] = values[i];
    }
    return ofLongs(longs, longs.length);
  }

  /**
   * A tensor over memory that stays where it is, without copying.
   *
   * <p>The memory must outlive the tensor and is never written if it is mapped read-only.
   */
  public static Tensor ofMemory(MemorySegment memory, Dtype dtype, long... shape) {
    if (memory.byteSize() == 0) {
      return empty(dtype, shape);
    }
    return new Tensor(torch.from_blob(new Address(memory.address()), shape, options(dtype)));
  }

  /** Tensors joined along a dimension. */
  public static Tensor concat(List<Tensor> tensors, int dimension) {
    return new Tensor(torch.cat(vector(tensors), dimension));
  }

  /** Tensors of one shape joined along a new first dimension. */
  public static Tensor stack(List<Tensor> tensors) {
    return new Tensor(torch.stack(vector(tensors), 0));
  }

  /** 1 at the index, 0 elsewhere: [..] I64 to [.., classes] I64. */
  public static Tensor oneHot(Tensor index, long classes) {
    return new Tensor(torch.one_hot(index.at(), classes));
  }

  /** Elements of {@code a} where the BOOL condition holds, of {@code b} elsewhere. */
  public static Tensor where(Tensor condition, Tensor a, Tensor b) {
    return new Tensor(torch.where(condition.at(), a.at(), b.at()));
  }

  static TensorVector vector(List<Tensor> tensors) {
    return new TensorVector(
        tensors.stream().map(Tensor::at).toArray(org.bytedeco.pytorch.Tensor[]::new));
  }

  static ScalarTypeOptional optional(Dtype dtype) {
    return new ScalarTypeOptional(Torch.type(dtype));
  }

  /** A pointer to memory that somebody else owns. */
  private static final class Address extends Pointer {
    private Address(long where) {
      super((Pointer) null);
      address = where;
    }
  }
}
