package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What smelt does not implement is refused by name, never approximated. */
class UnsupportedTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "mixtral; hidden_act; 'tanhshrink'",
        "glm4_moe; rope_parameters.rope_type; 'dynamic'",
        "deepseek_v3; scoring_func; 'sqrtsoftplus'",
        "deepseek_v3; topk_method; 'lottery'",
        "deepseek_v2; topk_method; 'lottery'",
        "cohere2_moe; expert_selection_fn; 'argmax'",
        "mixtral; quantization_config; gptq",
        "mixtral; quantization_config; awq",
        "mixtral; quantization_config; bitsandbytes",
        "mixtral; model_type; 'mixtrel'",
        "mixtral; model_type; 'jetmoe'",
        "mixtral; model_type; 'nllb-moe'"
      })
  void isRefusedByName(String golden, String field, String value) {
    boolean method = field.equals("quantization_config");
    String json =
        method ? "{\"quant_method\": \"" + value + "\"}" : "\"" + value.replace("'", "") + "\"";
    assertThatThrownBy(
            () -> Goldens.open(golden, c -> c.with(field, json), UnaryOperator.identity()))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNSUPPORTED))
        .hasMessageContaining(value.replace("'", ""));
  }

  @Test
  void namesTheNearestModelType() {
    assertThatThrownBy(() -> Families.of("qwen4_moe"))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.hint()).contains("qwen2_moe"));
  }

  @Test
  void sparseAttentionIsRefusedForLongSequences() {
    UnaryOperator<ConfigDocument> limited = c -> c.with("index_topk", 8);
    try (var model = Goldens.open("deepseek_v32", limited, UnaryOperator.identity())) {
      assertThatThrownBy(() -> Goldens.differences("deepseek_v32", model))
          .hasMessageContaining("sparse attention");
    }
  }

  @Test
  void groupsMustDivideTheExperts() {
    assertThatThrownBy(
            () -> Goldens.open("deepseek_v3", c -> c.with("n_group", 3), UnaryOperator.identity()))
        .hasMessageContaining("3 groups");
  }
}
