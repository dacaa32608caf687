package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Microscaling FP4 (OCP MX 1.0): blocks of 32 values of four bits share a power of two. A byte
 * holds two values, the lower four bits the first.
 *
 * <p>Each scale has a table with the two values of each byte. A look-up gives two values at once,
 * which no calculation with vectors was found to beat.
 */
final class Mxfp4 {
  /** Values that share a scale. */
  static final int BLOCK = 32;

  /** Bytes that share a scale. */
  private static final int BYTES = BLOCK / 2;

  private static final double[] MAGNITUDES = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  private static final int BIAS = 127;

  /** For each scale the two values of each byte in F32. */
  private static final long[][] WIDE = new long[256][256];

  /** For each scale the two values of each byte in BF16, which has all of them. */
  private static final int[][] HALF = new int[256][256];

  static {
    for (int scale = 0; scale < 256; scale++) {
      for (int code = 0; code < 256; code++) {
        int first = bits(code & 15, scale);
        int second = bits(code >> 4, scale);
        WIDE[scale][code] = ((long) second << 32) | Integer.toUnsignedLong(first);
        HALF[scale][code] = second | (first >>> 16);
      }
    }
  }

  private Mxfp4() {}

  /**
   * The matrix of expert {@code e}, [rows, columns]. Every type but F16 holds its values exactly.
   *
   * @param blocks U8, [E, rows, columns / 32, 16]
   * @param scales U8, [E, rows, columns / 32]
   */
  static Tensor load(Weights weights, StoredTensor blocks, StoredTensor scales, int e) {
    int count = Math.toIntExact(blocks.dim(2));
    byte[] exponents = expert(weights, scales, e).toArray(ValueLayout.JAVA_BYTE);
    boolean half = CodedMatrix.written(weights.dtype()).equals(Dtype.BF16);
    return new CodedMatrix(expert(weights, blocks, e), blocks.dim(1), count * BLOCK)
        .decode(weights.dtype(), () -> half ? half(exponents, count) : wide(exponents, count));
  }

  private static MemorySegment expert(Weights weights, StoredTensor stored, int e) {
    long size = stored.bytes() / stored.dim(0);
    return weights.checkpoint().data(stored).asSlice(e * size, size);
  }

  /** A decoder to F32 of rows of this many blocks. */
  private static RowDecoder wide(byte[] exponents, int count) {
    byte[] bytes = new byte[count * BYTES];
    long[] values = new long[bytes.length];
    return (row, codes, target) -> {
      MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
      for (int block = 0; block < count; block++) {
        long[] table = WIDE[exponents[row * count + block] & 0xFF];
        int end = (block + 1) * BYTES;
        for (int i = block * BYTES; i < end; i++) {
          values[i] = table[bytes[i] & 0xFF];
        }
      }
      MemorySegment.copy(values, 0, target, ValueLayout.JAVA_LONG_UNALIGNED, 0, values.length);
    };
  }

  /** A decoder to BF16 of rows of this many blocks. */
  private static RowDecoder half(byte[] exponents, int count) {
    byte[] bytes = new byte[count * BYTES];
    int[] values = new int[bytes.length];
    return (row, codes, target) -> {
      MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
      for (int block = 0; block < count; block++) {
        int[] table = HALF[exponents[row * count + block] & 0xFF];
        int end = (block + 1) * BYTES;
        for (int i = block * BYTES; i < end; i++) {
          values[i] = table[bytes[i] & 0xFF];
        }
      }
      MemorySegment.copy(values, 0, target, ValueLayout.JAVA_INT_UNALIGNED, 0, values.length);
    };
  }

  /** The bits of a value in F32; the lower half of them is zero. */
  private static int bits(int nibble, int scale) {
    double magnitude = MAGNITUDES[nibble & 7];
    double value = Math.scalb(nibble < 8 ? magnitude : -magnitude, scale - BIAS);
    return Float.floatToIntBits((float) value);
  }
}
