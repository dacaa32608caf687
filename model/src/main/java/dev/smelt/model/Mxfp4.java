package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.RowDecoder.Format;
import dev.smelt.model.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Microscaling FP4 (OCP MX 1.0): blocks of 32 values of four bits share a power of two. A byte
 * holds two values, the lower four bits the first.
 */
final class Mxfp4 {
  /** Values that share a scale. */
  static final int BLOCK = 32;

  /** What twice the values of each scale are multiplied by. */
  private static final float[] FACTORS = factors();

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
    return new CodedMatrix(expert(weights, blocks, e), rows, count * BLOCK, Format.E2M1, 1)
        .decode(
            weights.dtype(),
            (row, target) -> {
              for (int block = 0; block < count; block++) {
                int from = block * BLOCK;
                Arrays.fill(
                    target, from, from + BLOCK, FACTORS[exponents[row * count + block] & 0xFF]);
              }
            });
  }

  private static MemorySegment expert(Weights weights, StoredTensor stored, int e) {
    long size = stored.bytes() / stored.dim(0);
    return weights.checkpoint().data(stored).asSlice(e * size, size);
  }

  private static float[] factors() {
    float[] factors = new float[256];
    for (int scale = 0; scale < factors.length; scale++) {
      factors[scale] = Math.scalb(1f, scale - 128);
    }
    return factors;
  }
}
