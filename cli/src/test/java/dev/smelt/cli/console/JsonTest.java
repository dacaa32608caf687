package dev.smelt.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class JsonTest {
  record Result(String zebra, long apple, List<Integer> mango) {}

  @Test
  void keepsTheOrderOfDeclaration() {
    assertThat(Json.text(new Result("é\"", 2, List.of(1))))
        .isEqualTo("{\n  \"zebra\": \"é\\\"\",\n  \"apple\": 2,\n  \"mango\": [ 1 ]\n}");
  }
}
