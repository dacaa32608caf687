package dev.smelt.cli.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckTest {
  @ParameterizedTest
  @CsvSource({
    "<= 5%, 0.05, true",
    "<= 5 %, 0.0501, false",
    "<5%, 0.05, false",
    ">= 0.9, 0.9, true",
    "> 1e2, 100, false",
    "> -3, 0, true",
    "<= 30, NaN, false",
    ">= 30, NaN, false"
  })
  void compares(String text, double value, boolean accepted) {
    assertThat(Check.parse(text).orElseThrow().accepts(value)).isEqualTo(accepted);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5%", "= 5", "<= five", "<= 5 % or so", "≤ 5", "<= 5%%"})
  void refusesOtherText(String text) {
    assertThat(Check.parse(text)).isEmpty();
  }

  private static CheckReport report(Map<String, Double> values) {
    SequencedMap<String, Check> checks = new LinkedHashMap<>();
    checks.put("perplexity_increase", Check.parse("<= 5%").orElseThrow());
    checks.put("perplexity", Check.parse("<= 30").orElseThrow());
    return CheckReport.of(checks, values);
  }

  @Test
  void passesWhenAllPass() {
    CheckReport report = report(Map.of("perplexity", 12.0, "perplexity_increase", 0.031));
    assertThatCode(report::require).doesNotThrowAnyException();
    assertThat(report.table().toString())
        .contains("perplexity_increase  <= 5.00 %     3.10 %  passed");
  }

  @Test
  void failsWithEverythingThatFailed() {
    CheckReport report = report(Map.of("perplexity", 31.5));
    assertThat(report.table().toString()).contains("FAILED").contains("not measured");
    assertThatThrownBy(report::require)
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECK))
        .hasMessageContaining("2 problems")
        .hasMessageContaining("check perplexity: expected <= 30.0000, measured 31.5000");
  }
}
