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
import org.junit.jupiter.params.provider.ValueSource;

/** Quantised matrices against the same arithmetic, value by value or by libtorch. */
class DequantisationTest {
  private static final int ROWS = 150;
  private static final int COLUMNS = 96;

  /** Does not divide the rows. */
  private static final int BLOCK = 32;

  private static final double[] FP4 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16", "F16", "F64"})
  void fp8IsItsValueTimesTheScaleOfItsBlock(String name) throws IOException {
    Dtype type = Dtype.of(name);
    byte[] codes = randomBytes();
    try (var _ = Scope.open()) {
      Tensor values = Tensors.ofBytes(codes, Dtype.F8_E4M3, ROWS, COLUMNS).to(Dtype.F32);
      Tensor scales = Tensors.ofFloats(randomScales(), (ROWS + BLOCK - 1) / BLOCK, COLUMNS / BLOCK);
      write("w", Tensors.ofBytes(codes, Dtype.F8_E4M3, ROWS, COLUMNS), "w_scale_inv", scales);
      float[] expected = values.toFloats();
      float[] factors = scales.toFloats();
      for (int i = 0; i < expected.length; i++) {
        expected[i] *= factors[i / COLUMNS / BLOCK * (COLUMNS / BLOCK) + i % COLUMNS / BLOCK];
      }
      Tensor rounded = Tensors.ofFloats(expected, ROWS, COLUMNS).to(type);
      try (var checkpoint = Checkpoint.open(directory)) {
        Tensor loaded = new Weights(checkpoint, type).load("w");
        assertThat(loaded.dtype()).isEqualTo(type);
        assertThat(loaded.toDoubles()).containsExactly(rounded.toDoubles());
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
    for (int i = 0; i < powers.length; i++) {
      powers[i] = (byte) (100 + random.nextInt(60));
    }
    long blocks = COLUMNS / Mxfp4.BLOCK;
    try (var _ = Scope.open()) {
      Tensor values = Tensors.ofBytes(codes, Dtype.U8, 2, ROWS, blocks, 16);
      write("x_blocks", values, "x_scales", Tensors.ofBytes(powers, Dtype.U8, 2, ROWS, blocks));
      double[] expected = new double[ROWS * COLUMNS];
      for (int i = 0; i < expected.length; i++) {
        int value = expected.length + i;
        int nibble = (codes[value / 2] >> (4 * (value % 2))) & 15;
        int exponent = (powers[value / Mxfp4.BLOCK] & 0xFF) - 127;
        expected[i] = Math.scalb(nibble < 8 ? FP4[nibble] : -FP4[nibble - 8], exponent);
      }
      try (var checkpoint = Checkpoint.open(directory)) {
        Tensor second =
            Mxfp4.load(
                new Weights(checkpoint, Dtype.of(type)),
                checkpoint.require("x_blocks"),
                checkpoint.require("x_scales"),
                1);
        assertThat(second.shape()).containsExactly(ROWS, COLUMNS);
        assertThat(second.toDoubles()).containsExactly(expected);
      }
    }
  }

  /** All codes, without the two of NaN. */
  private static byte[] randomBytes() {
    byte[] codes = new byte[ROWS * COLUMNS];
    new Random(3).nextBytes(codes);
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (codes[i] & 0x7F) == 0x7F ? (byte) i : codes[i];
      codes[i] = (codes[i] & 0x7F) == 0x7F ? 0 : codes[i];
    }
    return codes;
  }

  private static float[] randomScales() {
    Random random = new Random(4);
    float[] scales = new float[(ROWS + BLOCK - 1) / BLOCK * (COLUMNS / BLOCK)];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = random.nextFloat() / 16;
    }
    return scales;
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
