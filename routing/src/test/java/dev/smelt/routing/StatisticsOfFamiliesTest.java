package dev.smelt.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The statistics pass on families whose blocks differ most from the plain one. */
class StatisticsOfFamiliesTest {
  private static final int TOKENS = 40;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "longcat_flash",
        "llama4_text",
        "gpt_oss",
        "gemma4_text",
        "deepseek_v3",
        "cohere2_moe",
        "nemotron_h",
        "minimax"
      })
  void everyLayerIsMeasured(String name) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      int[] ids = IntStream.range(0, TOKENS).map(i -> i * 7 % 96).toArray();
      var statistics =
          new CalibrationRun(model, Dtype.F32, TOKENS, 10, 1).run(List.of(ids), layer -> {});
      assertThat(statistics).hasSameSizeAs(model.moeLayers());
      assertThat(statistics).allSatisfy(layer -> assertThat(layer.tokens()).isEqualTo(TOKENS));
    }
  }

  /** Each layer of an encoder-decoder sees one half; tokens beyond an expert's capacity count 0. */
  @Test
  void encoderAndDecoderSeeOneHalfEach() {
    try (var model = MoeModel.open(Resources.path("golden/switch_transformers"))) {
      int[] ids = IntStream.range(0, TOKENS).map(i -> i * 7 % 96).toArray();
      var statistics =
          new CalibrationRun(model, Dtype.F32, TOKENS, 10, 1).run(List.of(ids), layer -> {});
      assertThat(statistics).hasSize(4);
      for (LayerStatistics layer : statistics) {
        assertThat(layer.tokens()).isEqualTo(TOKENS / 2);
        assertThat(layer.transitions()).isEmpty();
        for (int e = 0; e < layer.experts(); e++) {
          assertThat(layer.gateSum()[e]).isLessThanOrEqualTo(4);
        }
      }
      assertThat(statistics)
          .anyMatch(layer -> Arrays.stream(layer.routed()).anyMatch(count -> count > 4));
    }
  }
}
