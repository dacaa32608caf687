package dev.smelt.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes rows of small floating-point numbers, on one thread.
 *
 * <p>Each step is a loop over the whole row that the compiler turns into vector instructions: no
 * table, no branch, and no single bytes, which it does not load as vectors. What lies between two
 * steps stays in the cache; a step may read as another type what the one before wrote.
 *
 * <p>A format EeMm has a sign, e bits of exponent and m bits of mantissa; F16 is E5M10. Moved to
 * where F16 has these bits, they make a number that is a power of two times smaller, and this holds
 * for subnormal numbers too. From F16 to F32 processors have an instruction.
 */
final class RowDecoder {
  /** A row must have a multiple of this many numbers. */
  static final int UNIT = 8;

  /** Formats of numbers. */
  enum Format {
    /** A byte each. The codes with all bits of exponent and mantissa are NaN; no infinity. */
    E4M3,
    /** A byte each, the upper one of F16. */
    E5M2,
    /**
     * Half a byte each, the lower half first. Neither NaN nor infinity. Twice the number is
     * decoded, since F32 does not have the largest scale that there is, 2^128, but half of it.
     */
    E2M1
  }

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final Format format;
  private final long[] bytes;
  private final int[] words;
  private final long[] halves;
  private final float[] values;

  /** A decoder of rows of this many numbers. */
  RowDecoder(Format format, int columns) {
    this.format = format;
    bytes = new long[columns / 8];
    words = new int[columns / 4];
    halves = new long[columns / 4];
    values = new float[columns];
  }

  /** Numbers times scales in F32. */
  void decode(MemorySegment codes, float[] scales, MemorySegment target) {
    multiply(codes, scales);
    MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT, 0, values.length);
  }

  /** Numbers times scales in F32, rounded to BF16. */
  void decodeRounded(MemorySegment codes, float[] scales, MemorySegment target) {
    multiply(codes, scales);
    round(values, target);
  }

  private void multiply(MemorySegment codes, float[] scales) {
    switch (format) {
      case E4M3 -> {
        widen(codes, halves);
        multiply(halves, 0x1p8f, scales, values);
      }
      case E5M2 -> {
        raise(codes, halves);
        multiply(halves, 1, scales, values);
      }
      case E2M1 -> {
        split(codes, bytes);
        // a loop that reads and writes arrays of the same type at other places gets no vectors
        MemorySegment.copy(
            MemorySegment.ofArray(bytes), 0, MemorySegment.ofArray(words), 0, values.length);
        widen(words, halves);
        multiply(halves, 0x1p15f, scales, values);
      }
    }
  }

  /** Eight E2M1 to eight E4M3, which are 2^6 times smaller. */
  private static void split(MemorySegment codes, long[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      long x = spread(codes.get(INT, 4L * i));
      x = (x | (x << 4)) & 0x0F0F_0F0F_0F0F_0F0FL;
      bytes[i] = ((x & 0x0808_0808_0808_0808L) << 4) | ((x & 0x0707_0707_0707_0707L) << 2);
    }
  }

  private static void widen(int[] codes, long[] halves) {
    for (int i = 0; i < halves.length; i++) {
      halves[i] = toF16(spread(codes[i]));
    }
  }

  private static void widen(MemorySegment codes, long[] halves) {
    for (int i = 0; i < halves.length; i++) {
      halves[i] = toF16(spread(codes.get(INT, 4L * i)));
    }
  }

  /** Four E5M2 to four F16. */
  private static void raise(MemorySegment codes, long[] halves) {
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

  /** Four E4M3 to four F16, which are 2^8 times smaller; NaN gets the exponent of NaN. */
  private static long toF16(long codes) {
    long signs = codes & 0x0080_0080_0080_0080L;
    long nan = ((codes + 0x0001_0001_0001_0001L) ^ codes) & 0x0080_0080_0080_0080L;
    return ((codes + signs) | nan) << 7;
  }

  private static void multiply(long[] halves, float unit, float[] scales, float[] values) {
    MemorySegment numbers = MemorySegment.ofArray(halves);
    for (int i = 0; i < values.length; i++) {
      short half = numbers.get(ValueLayout.JAVA_SHORT, 2L * i);
      values[i] = Float.float16ToFloat(half) * unit * scales[i];
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
