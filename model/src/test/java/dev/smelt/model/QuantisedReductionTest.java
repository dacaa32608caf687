package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Computed experts of quantised checkpoints: in BF16 or in FP8, and config.json stays true. */
class QuantisedReductionTest {
  private static final String FP8 = "deepseek_v3_fp8";
  private static final String MXFP4 = "gpt_oss_mxfp4";
  private static final ExportOptions AGAIN = new ExportOptions(true, false);

  /** FP8 values with scales, rounded to BF16: relative error 2^-9 in a few thousand products. */
  private static final double BF16_ERROR = 0.05;

  @TempDir private Path directory;

  @Test
  void layersWithComputedExpertsOfFp8AreInBf16() {
    write(FP8, Set.of(1, 4), ExportOptions.DEFAULTS);
    try (var model = MoeModel.open(directory.resolve("out"))) {
      for (MoeLayer moe : model.moeLayers()) {
        assertThat(moe.experts().isQuantised()).isFalse();
        assertThat(moe.experts().tensors()).allMatch(t -> t.dtype().equals(Dtype.BF16));
      }
      assertThat(model.checkpoint().tensors())
          .containsKey("model.layers.1.self_attn.o_proj.weight_scale_inv")
          .doesNotContainKey("model.layers.1.mlp.experts.0.up_proj.weight_scale_inv");
      assertThat(model.config().at("quantization_config.modules_to_not_convert").toString())
          .isEqualTo("[\"model.layers.1.mlp.experts\",\"model.layers.2.mlp.experts\"]");
      assertThat(largest(FP8, model)).isLessThan(BF16_ERROR);
    }
  }

  @Test
  void untouchedLayersStayInFp8() {
    write(FP8, Set.of(), ExportOptions.DEFAULTS);
    try (var source = Goldens.open(FP8);
        var model = MoeModel.open(directory.resolve("out"))) {
      assertThat(model.moeLayers()).allMatch(moe -> moe.experts().isQuantised());
      assertThat(model.config().document()).isEqualTo(source.config().document());
    }
  }

  @Test
  void computedExpertsBecomeFp8AgainOnRequest() {
    write(FP8, Set.of(1, 4), AGAIN);
    try (var source = Goldens.open(FP8);
        var model = MoeModel.open(directory.resolve("out"));
        var _ = Scope.open()) {
      assertThat(model.config().document()).isEqualTo(source.config().document());
      Weights before = new Weights(source.checkpoint(), Dtype.F32);
      Weights after = new Weights(model.checkpoint(), Dtype.F32);
      for (MoeLayer moe : model.moeLayers()) {
        assertThat(moe.experts().isFp8()).isTrue();
        Expert old = source.moeLayer(moe.layer()).orElseThrow().experts().load(before, 4);
        Expert now = moe.experts().load(after, 4);
        double error = now.up().sub(old.up()).abs().max().item();
        assertThat(error).isLessThanOrEqualTo(old.up().maxAbs() / 16);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void mxfp4BecomesBf16WithoutLoss(int computed) {
    Set<Integer> some = Set.copyOf(IntStream.range(0, computed).boxed().toList());
    write(MXFP4, some, ExportOptions.DEFAULTS);
    try (var model = MoeModel.open(directory.resolve("out"))) {
      assertThat(model.checkpoint().find("model.layers.0.mlp.experts.gate_up_proj"))
          .hasValueSatisfying(t -> assertThat(t.dtype()).isEqualTo(Dtype.BF16));
      assertThat(model.checkpoint().tensors().keySet()).noneMatch(n -> n.endsWith("_blocks"));
      assertThat(model.config().has("quantization_config")).isFalse();
      assertThat(largest(MXFP4, model)).isLessThan(2e-4);
    }
  }

  @Test
  void mxfp4IsNotWritten() {
    assertThatThrownBy(() -> write(MXFP4, Set.of(1), AGAIN))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNSUPPORTED))
        .hasMessageContaining("MXFP4");
  }

  @ParameterizedTest
  @ValueSource(strings = {"float", "ue8m0"})
  void everyValueIsWithinHalfAStep(String format) {
    ConfigDocument config =
        ConfigDocument.parse(
            "{\"quantization_config\": {\"weight_block_size\": [4, 8], \"scale_fmt\": \"%s\"}}"
                .formatted(format),
            Path.of("config.json"));
    Random random = new Random(3);
    double[] values = new double[10 * 12];
    Arrays.setAll(values, i -> i < 48 && i % 12 < 8 ? 0 : random.nextGaussian() * (i + 1));
    try (var _ = Scope.open()) {
      Tensor matrix = Tensors.ofDoubles(values, 10, 12);
      Fp8.Quantised rounded = Fp8.quantise(matrix, config);
      float[] codes = rounded.values().to(Dtype.F32).toFloats();
      float[] scales = rounded.scales().toFloats();
      assertThat(rounded.scales().shape()).containsExactly(3, 2);
      assertThat(scales[0]).isEqualTo(1);
      for (int i = 0; i < values.length; i++) {
        float scale = scales[i / 12 / 4 * 2 + i % 12 / 8];
        double step = Math.max(Math.abs(values[i]) / 16, scale * Math.scalb(1.0, -10));
        assertThat(codes[i] * scale)
            .isBetween((float) (values[i] - step), (float) (values[i] + step));
        assertThat(
                format.equals("float") || Math.getExponent(scale) == Math.log(scale) / Math.log(2))
            .isTrue();
      }
    }
  }

  private static double largest(String golden, MoeModel model) {
    return Goldens.differences(golden, model).get("logits");
  }

  /** All experts stay; some are written as they were computed, from their values in F32. */
  private void write(String golden, Set<Integer> computed, ExportOptions options) {
    try (var model = Goldens.open(golden)) {
      int count = model.moeLayers().getFirst().experts().count();
      List<Integer> all = IntStream.range(0, count).boxed().toList();
      List<LayerReduction> layers =
          model.moeLayers().stream()
              .map(moe -> new LayerReduction(moe.layer(), all, computed, false))
              .toList();
      try (var writer =
              ReductionWriter.create(
                  model, directory.resolve("out"), layers, options, WriterOptions.DEFAULTS);
          var _ = Scope.open()) {
        writer.copyKept();
        Weights weights = new Weights(model.checkpoint(), Dtype.F32);
        for (MoeLayer moe : model.moeLayers()) {
          computed.forEach(e -> writer.writeExpert(moe.layer(), e, moe.experts().load(weights, e)));
        }
        assertThat(writer.commit().directory()).isEqualTo(directory.resolve("out"));
      }
    }
  }
}
