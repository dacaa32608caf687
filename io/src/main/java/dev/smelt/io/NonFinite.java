package dev.smelt.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Looks for NaN and infinity in stored values.
 *
 * <p>Eight bytes are tested at once. A value is not finite when its exponent bits are all ones.
 * Adding the lowest exponent bit to the masked exponent then carries into the bit above, and only
 * then; masks leave that bit free, so that no carry reaches the next value.
 */
final class NonFinite {
  private static final int CHUNK = 8192;
  private static final ValueLayout.OfLong WORD =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * The test of one type.
   *
   * @param mask the exponent bits; for F8_E4M3, which has no infinity, all bits but the sign
   * @param add the lowest bit of the mask
   * @param carry the bit above the mask, where the sign is
   */
  private record Test(int bytes, long mask, long add, long carry) {
    static Test of(Dtype dtype, long mask) {
      long sign = 1L << (8 * dtype.bytes() - 1);
      return new Test(
          dtype.bytes(),
          spread(dtype, mask),
          spread(dtype, Long.lowestOneBit(mask)),
          spread(dtype, sign));
    }

    private static long spread(Dtype dtype, long value) {
      long word = 0;
      for (int shift = 0; shift < Long.SIZE; shift += 8 * dtype.bytes()) {
        word |= value << shift;
      }
      return word;
    }
  }

  private static final Map<Dtype, Test> TESTS =
      Map.of(
          Dtype.F64, Test.of(Dtype.F64, 0x7FF0_0000_0000_0000L),
          Dtype.F32, Test.of(Dtype.F32, 0x7F80_0000L),
          Dtype.F16, Test.of(Dtype.F16, 0x7C00L),
          Dtype.BF16, Test.of(Dtype.BF16, 0x7F80L),
          Dtype.F8_E5M2, Test.of(Dtype.F8_E5M2, 0x7CL),
          Dtype.F8_E4M3, Test.of(Dtype.F8_E4M3, 0x7FL));

  private NonFinite() {}

  /** The index of the first element that is NaN or infinite; always empty for other types. */
  static OptionalLong first(Dtype dtype, MemorySegment data) {
    Test test = TESTS.get(dtype);
    if (test == null) {
      return OptionalLong.empty();
    }
    long[] words = new long[(int) Math.min(CHUNK, data.byteSize() / Long.BYTES + 1)];
    long chunkBytes = (long) words.length * Long.BYTES;
    for (long at = 0; at < data.byteSize(); at += chunkBytes) {
      int count = load(data, at, words);
      if (hit(test, words, count)) {
        return OptionalLong.of(at / test.bytes + locate(test, words));
      }
    }
    return OptionalLong.empty();
  }

  private static int load(MemorySegment data, long at, long[] words) {
    long left = data.byteSize() - at;
    int count = (int) Math.min(words.length, left / Long.BYTES);
    MemorySegment.copy(data, WORD, at, words, 0, count);
    long rest = left - (long) count * Long.BYTES;
    if (count == words.length || rest == 0) {
      return count;
    }
    words[count] = 0;
    for (int i = 0; i < rest; i++) {
      long value = data.get(ValueLayout.JAVA_BYTE, data.byteSize() - rest + i) & 0xFFL;
      words[count] |= value << (8 * i);
    }
    return count + 1;
  }

  private static boolean hit(Test test, long[] words, int count) {
    long mask = test.mask;
    long add = test.add;
    long sums = 0;
    for (int i = 0; i < count; i++) {
      sums |= (words[i] & mask) + add;
    }
    return (sums & test.carry) != 0;
  }

  private static long locate(Test test, long[] words) {
    int perWord = Long.BYTES / test.bytes;
    for (int i = 0; ; i++) {
      long hits = ((words[i] & test.mask) + test.add) & test.carry;
      if (hits != 0) {
        return (long) i * perWord + Long.numberOfTrailingZeros(hits) / (8 * test.bytes);
      }
    }
  }

  /** An element's index per dimension, such as {@code [3, 0, 17]}. */
  static List<Long> coordinates(List<Long> shape, long index) {
    List<Long> coordinates = new ArrayList<>();
    long rest = index;
    for (long size : shape.reversed()) {
      coordinates.add(rest % size);
      rest /= size;
    }
    Collections.reverse(coordinates);
    return coordinates;
  }
}
