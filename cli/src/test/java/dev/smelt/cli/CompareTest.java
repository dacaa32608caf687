package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command compare, and what repairs say about short texts. */
class CompareTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");

  @TempDir private Path directory;

  private Path text() {
    byte[] text = TestFiles.read(QUICKSTART.resolve("validation.txt"));
    return TestFiles.bytes(directory.resolve("text.txt"), Arrays.copyOf(text, 6000));
  }

  private InProcess compare(Path output, String methods, String... more) {
    List<String> words = new ArrayList<>(List.of(more));
    words.addAll(
        0,
        List.of(
            "compare",
            QUICKSTART.resolve("model").toString(),
            "-o",
            output.toString(),
            "--text",
            text().toString(),
            "--validation",
            text().toString(),
            "--ratios",
            "0.25,0.5",
            "--methods",
            methods,
            "--sequences",
            "8",
            "--self-generated",
            "0",
            "--length",
            "64",
            "--compute",
            "f32"));
    return InProcess.run(Main.COMMANDS, words.toArray(String[]::new));
  }

  @Test
  void measuresEveryMethodAndRatioAndDraws() throws IOException {
    Path output = directory.resolve("comparison");
    InProcess run = compare(output, "reap,random,ream,m-smoe,contribution+refit");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    JsonNode report =
        JsonMapper.builder().build().readTree(Files.readString(output.resolve("compare.json")));
    assertThat(report.get("results")).hasSize(10);
    double original = report.get("original").get("loss").doubleValue();
    for (JsonNode result : report.get("results")) {
      assertThat(result.get("loss").doubleValue()).isBetween(original - 0.02, original + 5);
      assertThat(result.get("keptGateMass").doubleValue()).isBetween(0.1, 1.0);
      assertThat(result.get("bytes").longValue())
          .isLessThan(report.get("original").get("bytes").longValue());
      String line = result.get("method").stringValue();
      assertThat(run.stderr()).contains(line + ": " + result.get("experts").intValue());
    }
    assertThat(report.get("failures")).isEmpty();
    assertThat(report.get("front").get(report.get("front").size() - 1).stringValue())
        .isEqualTo("original 0.0");
    assertThat(run.stdout()).contains("contribution+refit").contains("original");
    assertThat(Files.readString(output.resolve("compare.txt"))).contains(run.stdout().strip());
    assertThat(Files.readString(output.resolve("pareto.svg"))).startsWith("<svg").contains("ream");
    assertThat(ImageIO.read(output.resolve("pareto.png").toFile()).getWidth()).isEqualTo(1920);
    assertThat(output.resolve("ream-8")).doesNotExist();
  }

  @Test
  void aMethodThatCannotDoesNotSpoilTheOthers() throws IOException {
    Path output = directory.resolve("comparison");
    InProcess run = compare(output, "hc-smoe,reap", "--sample", "0", "--json", "--keep-models");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    JsonNode report = JsonMapper.builder().build().readTree(run.stdout());
    assertThat(report.get("results")).hasSize(2);
    assertThat(report.get("failures")).hasSize(2);
    assertThat(report.get("failures").get(0).get("reason").stringValue())
        .contains("no sampled tokens");
    assertThat(run.stderr()).contains("hc-smoe, ratio 0.25: not possible");
    assertThat(output.resolve("reap-8/model.safetensors")).isNotEmptyFile();
  }

  @Test
  void itFailsIfNoMethodCan() {
    InProcess run = compare(directory.resolve("comparison"), "hc-smoe", "--sample", "0");
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(3);
    assertThat(run.stderr()).contains("no sampled tokens").contains("smelt calibrate");
  }

  /** What compare measures is what drop and evaluate give. */
  @Test
  void givesTheNumbersOfTheSingleCommands() throws IOException {
    Path output = directory.resolve("comparison");
    assertThat(compare(output, "reap").exitCode()).isZero();
    JsonNode report =
        JsonMapper.builder().build().readTree(Files.readString(output.resolve("compare.json")));
    String dropped = directory.resolve("dropped").toString();
    String model = QUICKSTART.resolve("model").toString();
    String text = text().toString();
    InProcess drop =
        InProcess.run(
            Main.COMMANDS,
            "drop",
            model,
            "-o",
            dropped,
            "--ratio",
            "0.5",
            "--criterion",
            "reap",
            "--repair",
            "none",
            "--text",
            text,
            "--sequences",
            "8",
            "--length",
            "64",
            "--compute",
            "f32");
    assertThat(drop.exitCode()).as(drop.stderr()).isZero();
    InProcess evaluated =
        InProcess.run(
            Main.COMMANDS,
            "evaluate",
            dropped,
            "--text",
            text,
            "--length",
            "64",
            "--compute",
            "f32",
            "--json");
    double loss =
        JsonMapper.builder().build().readTree(evaluated.stdout()).get("loss").doubleValue();
    assertThat(report.get("results").get(1).get("loss").doubleValue()).isEqualTo(loss);
  }

  @Test
  void expertsWithFewTokensAreNamed() {
    InProcess run =
        InProcess.run(
            Main.COMMANDS,
            "drop",
            QUICKSTART.resolve("model").toString(),
            "-o",
            directory.resolve("out").toString(),
            "--experts",
            "4",
            "--repair",
            "refit",
            "--text",
            text().toString(),
            "--sequences",
            "4",
            "--self-generated",
            "0",
            "--length",
            "32");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    assertThat(run.stderr()).containsPattern("warning: layer 0: experts \\[\\d.*fewer calibration");
    assertThat(run.stderr()).contains("relative output error on held-out tokens");
  }
}
