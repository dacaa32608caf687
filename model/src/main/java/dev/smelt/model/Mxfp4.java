package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;

/**
 * Microscaling FP4 (OCP MX 1.0): blocks of 32 values of four bits share a power of two. A byte
 * holds two values, the lower four bits the first.
 */
final class Mxfp4 {
  /** Values that share a scale. */
  static final int BLOCK = 32;

  private static final double[] MAGNITUDES = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  private static final int BIAS = 127;

  private Mxfp4() {}

  /**
   * The matrix of expert {@code e}, [rows, columns]. Every type but F16 holds its values exactly.
   *
   * @param blocks U8, [E, rows, columns / 32, 16]
   * @param scales U8, [E, rows, columns / 32]
   */
  static Tensor load(Weights weights, StoredTensor blocks, StoredTensor scales, int e) {
    Dtype type = weights.dtype().equals(Dtype.F16) ? Dtype.F32 : weights.dtype();
    Tensor bytes = Weights.raw(weights.checkpoint(), blocks).select(0, e);
    long rows = bytes.size(0);
    long count = bytes.size(1);
    Tensor values = table(type).indexSelect(0, bytes.to(Dtype.I32).reshape(-1));
    Tensor exponents = Weights.raw(weights.checkpoint(), scales).select(0, e);
    Tensor factors = powers(type).indexSelect(0, exponents.to(Dtype.I32).reshape(-1));
    Tensor scaled = values.reshape(rows, count, BLOCK);
    scaled.mulInPlace(factors.reshape(rows, count, 1));
    return scaled.reshape(rows, count * BLOCK).to(weights.dtype());
  }

  /** The two values of each byte, [256, 2]. */
  private static Tensor table(Dtype dtype) {
    double[] values = new double[512];
    for (int b = 0; b < 256; b++) {
      values[2 * b] = value(b & 15);
      values[2 * b + 1] = value(b >> 4);
    }
    return Tensors.ofDoubles(values, 256, 2).to(dtype);
  }

  private static double value(int nibble) {
    double magnitude = MAGNITUDES[nibble & 7];
    return nibble < 8 ? magnitude : -magnitude;
  }

  /** The factor of each scale, [256]. */
  private static Tensor powers(Dtype dtype) {
    double[] powers = new double[256];
    Arrays.setAll(powers, s -> Math.scalb(1.0, s - BIAS));
    return Tensors.ofDoubles(powers, 256).to(dtype);
  }
}
