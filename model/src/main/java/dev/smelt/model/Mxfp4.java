package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Microscaling FP4 (OCP MX 1.0): blocks of 32 values of four bits share a power of two. A byte
 * holds two values, the lower four bits the first.
 */
final class Mxfp4 {
  /** Values that share a scale. */
  static final int BLOCK = 32;

  private static final double[] MAGNITUDES = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  private static final int BIAS = 127;

  /** For each scale the two values of each byte in F32. */
  private static final List<ByteTable> WIDE = tables(Mxfp4::wide);

  /** For each scale the two values of each byte in BF16, which has all of them. */
  private static final List<ByteTable> HALF = tables(Mxfp4::half);

  private Mxfp4() {}

  /**
   * The matrix of expert {@code e}, [rows, columns]. Every type but F16 holds its values exactly.
   *
   * @param blocks U8, [E, rows, columns / 32, 16]
   * @param scales U8, [E, rows, columns / 32]
   */
  static Tensor load(Weights weights, StoredTensor blocks, StoredTensor scales, int e) {
    long rows = blocks.dim(1);
    int count = Math.toIntExact(blocks.dim(2));
    byte[] exponents = expert(weights, scales, e).toArray(ValueLayout.JAVA_BYTE);
    List<ByteTable> tables = CodedMatrix.written(weights.dtype()).equals(Dtype.BF16) ? HALF : WIDE;
    return new CodedMatrix(expert(weights, blocks, e), rows, (long) count * BLOCK, BLOCK / 2)
        .decode(weights.dtype(), (row, block) -> tables.get(exponents[row * count + block] & 0xFF));
  }

  private static MemorySegment expert(Weights weights, StoredTensor stored, int e) {
    long size = stored.bytes() / stored.dim(0);
    return weights.checkpoint().data(stored).asSlice(e * size, size);
  }

  private static List<ByteTable> tables(IntFunction<ByteTable> table) {
    return IntStream.range(0, 256).mapToObj(table).toList();
  }

  private static ByteTable wide(int scale) {
    long[] bits = new long[256];
    for (int code = 0; code < bits.length; code++) {
      bits[code] =
          ((long) bits(code >> 4, scale) << 32) | Integer.toUnsignedLong(bits(code & 15, scale));
    }
    return ByteTable.ofLongs(bits);
  }

  private static ByteTable half(int scale) {
    int[] bits = new int[256];
    for (int code = 0; code < bits.length; code++) {
      bits[code] = (bits(code >> 4, scale) & 0xFFFF0000) | (bits(code & 15, scale) >>> 16);
    }
    return ByteTable.ofInts(bits);
  }

  /** The bits of a value in F32; the lower half of them is zero. */
  private static int bits(int nibble, int scale) {
    return Float.floatToIntBits((float) Math.scalb(value(nibble), scale - BIAS));
  }

  private static double value(int nibble) {
    double magnitude = MAGNITUDES[nibble & 7];
    return nibble < 8 ? magnitude : -magnitude;
  }
}
