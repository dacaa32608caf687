package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantised matrices against the same arithmetic, value by value or by libtorch. */
class DequantisationTest {
  private static final int ROWS = 150;
  private static final int COLUMNS = 96;

  /** Does not divide the rows. */
  private static final int BLOCK = 32;

  private static final float[] SCALES = {
    0,
    -0f,
    1,
    -0.3f,
    Float.MIN_VALUE,
    1e-40f,
    Float.MIN_NORMAL,
    3e-36f,
    1e36f,
    Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN,
    Float.intBitsToFloat(-1)
  };

  private static final double[] FP4 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

  @TempDir Path directory;

  /** Widths with a last block that is shorter, and that no word of codes divides. */
  @ParameterizedTest
  @CsvSource({"F32, 96", "BF16, 96", "F16, 96", "F64, 96", "F32, 90", "BF16, 91", "BF16, 5"})
  void fp8IsItsValueTimesTheScaleOfItsBlock(String type, int columns) throws IOException {
    byte[] codes = new byte[ROWS * columns];
    new Random(3).nextBytes(codes);
    Random random = new Random(4);
    float[] scales = new float[Math.ceilDiv(ROWS, BLOCK) * Math.ceilDiv(columns, BLOCK)];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = random.nextFloat() / 16;
    }
    checkFp8(Dtype.F8_E4M3, Dtype.of(type), ROWS, columns, codes, scales);
  }

  /** NaN, infinities, and products that are subnormal, too small or too large. */
  @ParameterizedTest
  @CsvSource({"F8_E4M3, F32", "F8_E4M3, BF16", "F8_E5M2, F32", "F8_E5M2, BF16"})
  void everyFp8CodeTakesEveryScale(String format, String type) throws IOException {
    byte[] codes = new byte[256 * SCALES.length * BLOCK];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i / (SCALES.length * BLOCK));
    }
    float[] scales = new float[256 / BLOCK * SCALES.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = SCALES[i % SCALES.length];
    }
    checkFp8(Dtype.of(format), Dtype.of(type), 256, SCALES.length * BLOCK, codes, scales);
  }

  private void checkFp8(
      Dtype format, Dtype type, int rows, int columns, byte[] codes, float[] scales)
      throws IOException {
    int across = Math.ceilDiv(columns, BLOCK);
    try (var _ = Scope.open()) {
      Tensor stored = Tensors.ofBytes(codes, format, rows, columns);
      write("w", stored, "w_scale_inv", Tensors.ofFloats(scales, scales.length / across, across));
      float[] expected = stored.to(Dtype.F32).toFloats();
      for (int i = 0; i < expected.length; i++) {
        expected[i] *= scales[i / columns / BLOCK * across + i % columns / BLOCK];
      }
      Tensor rounded = Tensors.ofFloats(expected, rows, columns).to(type);
      try (var checkpoint = Checkpoint.open(directory)) {
        Tensor loaded = new Weights(checkpoint, type).load("w");
        assertThat(loaded.dtype()).isEqualTo(type);
        assertThat(loaded.shape()).containsExactly(rows, columns);
        assertThat(Arrays.mismatch(loaded.toDoubles(), rounded.toDoubles())).isEqualTo(-1);
      }
    }
  }

  @Test
  void halvesBetweenTwoBf16ValuesGoToTheEvenOne() throws IOException {
    try (var _ = Scope.open()) {
      // 1 in E4M3 times 1 + 2^-8 and 1 + 3 * 2^-8, which lie between two values of BF16
      Tensor ones = Tensors.ofBytes(new byte[] {0x38, 0x38}, Dtype.F8_E4M3, 1, 2);
      for (double[] pair : new double[][] {{0x1.01p0, 1}, {0x1.03p0, 0x1.04p0}}) {
        write("w", ones, "w_scale_inv", Tensors.ofDoubles(pair, 1, 2).narrow(1, 0, 1));
        try (var checkpoint = Checkpoint.open(directory)) {
          assertThat(new Weights(checkpoint, Dtype.BF16).load("w").toDoubles())
              .containsOnly(pair[1]);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16"})
  void mxfp4IsItsValueTimesThePowerOfItsBlock(String type) throws IOException {
    Random random = new Random(7);
    byte[] codes = new byte[2 * ROWS * COLUMNS / 2];
    byte[] powers = new byte[2 * ROWS * COLUMNS / Mxfp4.BLOCK];
    random.nextBytes(codes);
    random.nextBytes(powers);
    checkMxfp4(Dtype.of(type), ROWS, COLUMNS, codes, powers);
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16"})
  void everyMxfp4ByteTakesEveryPower(String type) throws IOException {
    int columns = 2 * 256;
    byte[] codes = new byte[2 * 256 * 256];
    byte[] powers = new byte[2 * 256 * columns / Mxfp4.BLOCK];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) i;
    }
    for (int i = 0; i < powers.length; i++) {
      powers[i] = (byte) (i / (columns / Mxfp4.BLOCK));
    }
    checkMxfp4(Dtype.of(type), 256, columns, codes, powers);
  }

  /** Reads the second of two experts. */
  private void checkMxfp4(Dtype type, int rows, int columns, byte[] codes, byte[] powers)
      throws IOException {
    long blocks = columns / Mxfp4.BLOCK;
    try (var _ = Scope.open()) {
      Tensor values = Tensors.ofBytes(codes, Dtype.U8, 2, rows, blocks, 16);
      write("x_blocks", values, "x_scales", Tensors.ofBytes(powers, Dtype.U8, 2, rows, blocks));
      double[] expected = new double[rows * columns];
      for (int i = 0; i < expected.length; i++) {
        int value = expected.length + i;
        int nibble = (codes[value / 2] >> (4 * (value % 2))) & 15;
        int exponent = (powers[value / Mxfp4.BLOCK] & 0xFF) - 127;
        expected[i] = (float) Math.scalb(nibble < 8 ? FP4[nibble] : -FP4[nibble - 8], exponent);
      }
      try (var checkpoint = Checkpoint.open(directory)) {
        Tensor second =
            Mxfp4.load(
                new Weights(checkpoint, type),
                checkpoint.require("x_blocks"),
                checkpoint.require("x_scales"),
                1);
        assertThat(second.shape()).containsExactly(rows, columns);
        assertThat(Arrays.mismatch(second.toDoubles(), expected)).isEqualTo(-1);
      }
    }
  }

  private void write(String name, Tensor values, String scalesName, Tensor scales)
      throws IOException {
    Files.writeString(
        directory.resolve("config.json"),
        "{\"quantization_config\": {\"weight_block_size\": [%d, %d]}}".formatted(BLOCK, BLOCK));
    SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
    add(tensors, name, values);
    add(tensors, scalesName, scales.dtype().equals(Dtype.U8) ? scales : scales.to(Dtype.F32));
    SafetensorsWriter.write(directory.resolve("model.safetensors"), new LinkedHashMap<>(), tensors);
  }

  private static void add(
      SequencedMap<TensorInfo, MemorySegment> tensors, String name, Tensor values) {
    Tensor whole = values.contiguous();
    List<Long> shape = Arrays.stream(whole.shape()).boxed().toList();
    tensors.put(new TensorInfo(name, whole.dtype(), shape), whole.memory());
  }
}
