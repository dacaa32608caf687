package dev.smelt.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.cli.Main;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Terminal;
import dev.smelt.io.CheckpointVerifier;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every example runs. */
class ExamplesTest {
  private static final Path QUICKSTART = Path.of("quickstart");

  @TempDir private Path temporary;

  @Test
  void mcSmoeMergesCompressesAndRecovers() {
    var results = new ByteArrayOutputStream();
    var messages = new ByteArrayOutputStream();
    Path output = temporary.resolve("mc-smoe");
    List<String> words = new ArrayList<>(List.of("run", "mc-smoe/recipe.yaml"));
    for (String set :
        List.of(
            "output=" + output,
            "calibrate.sequences=32",
            "merge.sequences=32",
            "recover.sequences=32",
            "recover.steps=10",
            "checks.perplexity_increase=<= 400%")) {
      words.addAll(List.of("--set", set));
    }
    int code = Main.run(new Console(results, messages, Terminal.NONE), words);
    assertThat(code).as(messages.toString(StandardCharsets.UTF_8)).isZero();
    assertThat(results.toString(StandardCharsets.UTF_8))
        .contains("expert parameters", "flops_ratio")
        .doesNotContain("FAILED");
    assertThat(CheckpointVerifier.problems(output)).isEmpty();
    assertThat(output.resolve("modeling_smelt.py")).exists();
    assertThat(output.resolve("smelt-curve.csv")).exists();
  }

  @Test
  void quickstartMergesAndPassesItsChecks() {
    var results = new ByteArrayOutputStream();
    var messages = new ByteArrayOutputStream();
    Path output = temporary.resolve("merged");
    int code =
        Main.run(
            new Console(results, messages, Terminal.NONE),
            List.of(
                "run", QUICKSTART.resolve("recipe.yaml").toString(), "--set", "output=" + output));
    assertThat(code).as(messages.toString(StandardCharsets.UTF_8)).isZero();
    assertThat(results.toString(StandardCharsets.UTF_8))
        .contains("experts per layer", "perplexity_increase")
        .doesNotContain("FAILED");
    assertThat(CheckpointVerifier.problems(output)).isEmpty();
  }

  @Test
  void mostUsedExpertsOfTheQuickstartModel() throws IOException {
    List<String> lines =
        MostUsedExperts.of(QUICKSTART.resolve("model"), QUICKSTART.resolve("validation.txt"));
    assertThat(lines).hasSize(4).allMatch(line -> line.matches("layer \\d: expert \\d+ .*slots"));
  }
}
