package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoding of floating types, and the search for values that are not finite. */
class FloatFormatsTest {
  private static double[] decodeAllBytes(Dtype dtype) {
    byte[] bytes = new byte[256];
    for (int i = 0; i < 256; i++) {
      bytes[i] = (byte) i;
    }
    double[] values = new double[256];
    FloatDecoder.of(dtype).decode(MemorySegment.ofArray(bytes), 0, values, 256);
    return values;
  }

  @Test
  void decodesEightBitTypesAsPublished() {
    double[] e4m3 = decodeAllBytes(Dtype.F8_E4M3);
    assertThat(e4m3[0x01]).isEqualTo(0x1p-9);
    assertThat(e4m3[0x08]).isEqualTo(0x1p-6);
    assertThat(e4m3[0x38]).isEqualTo(1);
    assertThat(e4m3[0x7E]).isEqualTo(448);
    assertThat(e4m3[0xFE]).isEqualTo(-448);
    assertThat(e4m3[0x7F]).isNaN();
    double[] e5m2 = decodeAllBytes(Dtype.F8_E5M2);
    assertThat(e5m2[0x01]).isEqualTo(0x1p-16);
    assertThat(e5m2[0x3C]).isEqualTo(1);
    assertThat(e5m2[0x7B]).isEqualTo(57344);
    assertThat(e5m2[0xFC]).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"F8_E4M3", "F8_E5M2", "F16", "BF16"})
  void everyPatternIsJudgedAsItDecodes(String code) {
    Dtype dtype = Dtype.of(code);
    int patterns = 1 << (8 * dtype.bytes());
    double[] value = new double[1];
    ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    MemorySegment one = MemorySegment.ofBuffer(buffer).asSlice(0, dtype.bytes());
    for (int bits = 0; bits < patterns; bits++) {
      buffer.putInt(0, bits);
      FloatDecoder.of(dtype).decode(one, 0, value, 1);
      if (NonFinite.first(dtype, one).isEmpty() != Double.isFinite(value[0])) {
        fail("%s %x decodes to %s".formatted(code, bits, value[0]));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F8_E4M3", "F8_E5M2", "F16", "BF16", "F32", "F64"})
  void findsTheFirstOfSeveralAnywhere(String code) {
    Dtype dtype = Dtype.of(code);
    long seed = 7;
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int elements = 1 + random.nextInt(round < 100 ? 40 : 40_000);
      byte[] data = new byte[elements * dtype.bytes()];
      for (int i = 0; i < data.length; i++) {
        data[i] = (byte) (random.nextInt() & 0xBB);
      }
      MemorySegment segment = MemorySegment.ofArray(data);
      assertThat(NonFinite.first(dtype, segment)).as("seed %d round %d", seed, round).isEmpty();
      int first = random.nextInt(elements);
      int second = first + random.nextInt(elements - first);
      for (int index : List.of(first, second)) {
        for (int b = 0; b < dtype.bytes(); b++) {
          data[index * dtype.bytes() + b] = -1;
        }
      }
      assertThat(NonFinite.first(dtype, segment))
          .as("seed %d round %d", seed, round)
          .isEqualTo(OptionalLong.of(first));
    }
  }

  @Test
  void integersAreNeverTested() {
    MemorySegment ones = MemorySegment.ofArray(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
    assertThat(NonFinite.first(Dtype.I64, ones)).isEmpty();
    assertThat(NonFinite.first(Dtype.of("F4"), ones)).isEmpty();
  }

  @Test
  void givesTheIndexPerDimension() {
    assertThat(NonFinite.coordinates(List.of(2L, 3L, 4L), 23)).containsExactly(1L, 2L, 3L);
    assertThat(NonFinite.coordinates(List.of(), 0)).isEmpty();
  }
}
