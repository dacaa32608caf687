package dev.smelt.model;

import dev.smelt.io.Dtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Decodes rows of FP8 whose blocks have a scale each: number times scale in F32, from there rounded
 * to BF16 if that is asked for.
 *
 * <p>Each step is a loop over the whole row that the compiler turns into vector instructions: no
 * table, no branch, and no single bytes, which it does not load as vectors. What lies between two
 * steps stays in the cache; a step may read as another type what the one before wrote.
 *
 * <p>E4M3 and E5M2 have a sign, 4 or 5 bits of exponent, and 3 or 2 bits of mantissa; F16 would be
 * E5M10. Moved to where F16 has these bits, E4M3 makes a number that is 2^8 times smaller, and this
 * holds for subnormal numbers too. From F16 to F32 processors have an instruction.
 */
final class Fp8Rows implements RowDecoder {
  /** A row must have a multiple of this many numbers. */
  static final int UNIT = 4;

  /**
   * The scales of blocks.
   *
   * @param values row by row, at least one for each block. The only NaN is the usual one: others
   *     could overflow when they are rounded
   * @param across blocks side by side
   * @param height rows of a block
   * @param width columns of a block
   */
  record Scales(float[] values, int across, int height, int width) {}

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final boolean isE4m3;
  private final Scales scales;
  private final boolean rounds;
  private final long[] halves;
  private final float[] factors;
  private final float[] values;
  private int blockRow = -1;

  /**
   * A decoder of rows of this many numbers.
   *
   * @param format F8_E4M3 or F8_E5M2
   * @param written F32 or BF16
   */
  Fp8Rows(Dtype format, int columns, Scales scales, Dtype written) {
    isE4m3 = format.equals(Dtype.F8_E4M3);
    this.scales = scales;
    rounds = written.equals(Dtype.BF16);
    halves = new long[columns / 4];
    factors = new float[columns];
    values = new float[columns];
  }

  @Override
  public void decode(int row, MemorySegment codes, MemorySegment target) {
    if (blockRow != row / scales.height()) {
      blockRow = row / scales.height();
      spreadScales();
    }
    if (isE4m3) {
      e4m3ToF16(codes, halves);
      multiply(halves, 0x1p8f, factors, values);
    } else {
      e5m2ToF16(codes, halves);
      multiply(halves, 1, factors, values);
    }
    if (rounds) {
      round(values, target);
    } else {
      MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT, 0, values.length);
    }
  }

  private void spreadScales() {
    for (int block = 0; block < scales.across(); block++) {
      int from = block * scales.width();
      int to = Math.min(factors.length, from + scales.width());
      Arrays.fill(factors, from, to, scales.values()[blockRow * scales.across() + block]);
    }
  }

  /** Four E4M3 to four F16, which are 2^8 times smaller; NaN gets the exponent of NaN. */
  private static void e4m3ToF16(MemorySegment codes, long[] halves) {
    for (int i = 0; i < halves.length; i++) {
      long x = spread(codes.get(INT, 4L * i));
      long signs = x & 0x0080_0080_0080_0080L;
      long nan = ((x + 0x0001_0001_0001_0001L) ^ x) & 0x0080_0080_0080_0080L;
      halves[i] = ((x + signs) | nan) << 7;
    }
  }

  /** Four E5M2 to four F16. */
  private static void e5m2ToF16(MemorySegment codes, long[] halves) {
    for (int i = 0; i < halves.length; i++) {
      halves[i] = spread(codes.get(INT, 4L * i)) << 8;
    }
  }

  /** Four bytes with a zero byte above each. */
  private static long spread(int bytes) {
    long x = bytes & 0xFFFF_FFFFL;
    x = (x | (x << 16)) & 0x0000_FFFF_0000_FFFFL;
    return (x | (x << 8)) & 0x00FF_00FF_00FF_00FFL;
  }

  private static void multiply(long[] halves, float unit, float[] factors, float[] values) {
    MemorySegment numbers = MemorySegment.ofArray(halves);
    for (int i = 0; i < values.length; i++) {
      short half = numbers.get(ValueLayout.JAVA_SHORT, 2L * i);
      values[i] = Float.float16ToFloat(half) * unit * factors[i];
    }
  }

  /** Two F32 to two BF16: the upper half of the bits, to nearest, ties to even. */
  private static void round(float[] values, MemorySegment target) {
    MemorySegment pairs = MemorySegment.ofArray(values);
    int count = values.length / 2;
    for (int i = 0; i < count; i++) {
      long x = pairs.get(LONG, 8L * i);
      x += 0x0000_7FFF_0000_7FFFL + ((x >>> 16) & 0x0000_0001_0000_0001L);
      target.set(INT, 4L * i, (int) (((x >>> 16) & 0xFFFF) | ((x >>> 32) & 0xFFFF_0000L)));
    }
  }
}
