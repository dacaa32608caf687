package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The forward pass in F32 against outputs of transformers 5.18 on tiny random checkpoints. */
class GoldenForwardTest {
  private static final double TOLERANCE = 2e-4;

  static List<String> goldens() {
    return Goldens.SUPPORTED;
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void agreesWithTransformers(String name) {
    try (var model = Goldens.open(name)) {
      var differences = Goldens.differences(name, model);
      assertThat(differences).containsKey("logits");
      int moeLayers = model.moeLayers().size();
      assertThat(differences.keySet().stream().filter(k -> k.startsWith("gates.")))
          .hasSize(moeLayers);
      differences.forEach((what, d) -> assertThat(d).as(name + " " + what).isLessThan(TOLERANCE));
    }
  }
}
