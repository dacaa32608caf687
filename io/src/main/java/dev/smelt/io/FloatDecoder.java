package dev.smelt.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;

/** Widens stored floating values to double, exactly. */
@FunctionalInterface
interface FloatDecoder {
  /**
   * Reads {@code count} values from element {@code first} on into the start of {@code target}.
   *
   * @param data little-endian values
   */
  void decode(MemorySegment data, long first, double[] target, int count);

  /** The decoder of a floating type. */
  static FloatDecoder of(Dtype dtype) {
    FloatDecoder decoder = Formats.DECODERS.get(dtype);
    if (decoder == null) {
      throw Failures.bug("dtype " + dtype + " has no floating values");
    }
    return decoder;
  }

  /** The decoders and their tables. */
  final class Formats {
    private static final ValueLayout.OfDouble F64 =
        ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat F32 =
        ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort HALF =
        ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final Map<Dtype, FloatDecoder> DECODERS =
        Map.of(
            Dtype.F64, Formats::decodeF64,
            Dtype.F32, Formats::decodeF32,
            Dtype.F16, Formats::decodeF16,
            Dtype.BF16, Formats::decodeBf16,
            Dtype.F8_E5M2, table(Formats::e5m2),
            Dtype.F8_E4M3, table(Formats::e4m3));

    private Formats() {}

    private static void decodeF64(MemorySegment data, long first, double[] target, int count) {
      MemorySegment.copy(data, F64, first * Double.BYTES, target, 0, count);
    }

    private static void decodeF32(MemorySegment data, long first, double[] target, int count) {
      for (int i = 0; i < count; i++) {
        target[i] = data.get(F32, (first + i) * Float.BYTES);
      }
    }

    private static void decodeF16(MemorySegment data, long first, double[] target, int count) {
      for (int i = 0; i < count; i++) {
        target[i] = Float.float16ToFloat(data.get(HALF, (first + i) * Short.BYTES));
      }
    }

    private static void decodeBf16(MemorySegment data, long first, double[] target, int count) {
      for (int i = 0; i < count; i++) {
        target[i] = Float.intBitsToFloat(data.get(HALF, (first + i) * Short.BYTES) << 16);
      }
    }

    /** Decodes one byte, 0 to 255. */
    @FunctionalInterface
    private interface ByteFormat {
      double value(int bits);
    }

    private static FloatDecoder table(ByteFormat format) {
      double[] values = new double[256];
      for (int bits = 0; bits < values.length; bits++) {
        values[bits] = format.value(bits);
      }
      return (data, first, target, count) -> {
        for (int i = 0; i < count; i++) {
          target[i] = values[data.get(ValueLayout.JAVA_BYTE, first + i) & 0xFF];
        }
      };
    }

    /** Five exponent and two mantissa bits: the upper half of an F16. */
    private static double e5m2(int bits) {
      return Float.float16ToFloat((short) (bits << 8));
    }

    /** Four exponent bits with bias 7 and three mantissa bits; no infinity, one NaN per sign. */
    private static double e4m3(int bits) {
      int exponent = bits >> 3 & 15;
      int mantissa = bits & 7;
      double sign = (bits & 0x80) == 0 ? 1 : -1;
      if (exponent == 15 && mantissa == 7) {
        return Double.NaN;
      }
      return exponent == 0
          ? sign * mantissa * 0x1p-9
          : sign * (8 + mantissa) * Math.scalb(1.0, exponent - 10);
    }
  }
}
