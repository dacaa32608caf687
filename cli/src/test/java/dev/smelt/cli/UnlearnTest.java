package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Diff;
import dev.smelt.io.TestFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** attribute, unlearn and forget-report from end to end on the bundled model. */
class UnlearnTest {
  private static final Path MODEL = Path.of("..", "examples", "quickstart", "model");
  private static final Path TEXT = Path.of("..", "examples", "quickstart", "validation.txt");

  @TempDir private Path directory;

  @BeforeEach
  void texts() {
    byte[] text = TestFiles.read(TEXT);
    TestFiles.bytes(directory.resolve("forget.txt"), Arrays.copyOf(text, 6000));
    TestFiles.bytes(
        directory.resolve("retain.txt"), Arrays.copyOfRange(text, text.length - 6000, text.length));
  }

  private InProcess run(String... words) {
    List<String> all = new ArrayList<>(List.of(words));
    all.addAll(List.of("--compute", "f32", "--threads", "1", "--length", "32"));
    return InProcess.run(Main.COMMANDS, all.toArray(String[]::new));
  }

  private String file(String name) {
    return directory.resolve(name).toString();
  }

  private InProcess unlearn(String output, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "unlearn",
                MODEL.toString(),
                "-o",
                output,
                "--forget",
                file("forget.txt"),
                "--retain",
                file("retain.txt"),
                "--sequences",
                "24",
                "--batch",
                "4",
                "--lr",
                "3e-3",
                "--check-every",
                "2"));
    words.addAll(List.of(more));
    return run(words.toArray(String[]::new));
  }

  private static JsonNode json(String text) {
    return new JsonMapper().readTree(text);
  }

  @Test
  void forgetsAndReports() {
    InProcess attributed =
        run("attribute", MODEL.toString(), "--forget", file("forget.txt"), "--json");
    assertThat(attributed.exitCode()).as(attributed.stderr()).isZero();
    JsonNode best = json(attributed.stdout()).get("ranking").get(0);

    InProcess run = unlearn(file("out"), "--stop", "forget=1.5x", "--steps", "60");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    JsonNode report =
        json(
            new String(
                TestFiles.read(directory.resolve("out/smelt-report.json")),
                java.nio.charset.StandardCharsets.UTF_8));
    assertThat(report.get("outcome").stringValue()).isEqualTo("reached");
    assertThat(report.get("targets").get(0).get("layer").intValue())
        .isEqualTo(best.get("layer").intValue());
    assertThat(directory.resolve("out/smelt-curves.png")).isNotEmptyFile();
    assertThat(directory.resolve("out/smelt-curves.csv")).content().startsWith("step,forget_loss");
    String prefix = "model.layers." + best.get("layer") + ".mlp.";
    try (Checkpoint before = Checkpoint.open(MODEL);
        Checkpoint after = Checkpoint.open(directory.resolve("out"))) {
      assertThat(CheckpointDiff.between(before, after).tensors())
          .filteredOn(tensor -> tensor.kind() != Diff.Kind.EQUAL)
          .hasSize(4)
          .allSatisfy(tensor -> assertThat(tensor.name()).startsWith(prefix));
    }

    InProcess compared =
        run(
            "forget-report",
            MODEL.toString(),
            file("out"),
            "--forget",
            file("forget.txt"),
            "--retain",
            file("retain.txt"),
            "--holdout",
            file("retain.txt"),
            "--windows",
            "12",
            "--continuations",
            "2",
            "--relearn",
            "4",
            "--json");
    assertThat(compared.exitCode()).as(compared.stderr()).isZero();
    JsonNode measured = json(compared.stdout());
    double then = measured.get("forget").get("before").get("loss").doubleValue();
    double now = measured.get("forget").get("after").get("loss").doubleValue();
    assertThat(now).isGreaterThan(then + 0.2);
    assertThat(measured.get("forget").get("routingOverlap").doubleValue()).isBetween(0.1, 1.0);
    assertThat(measured.get("forget").get("layers").get(0).get("overlap").doubleValue())
        .as("nothing changes before the target layer")
        .isEqualTo(1);
    assertThat(measured.get("relearning").get("after").size()).isEqualTo(5);
    assertThat(measured.get("membership").get("after").get("loss").doubleValue())
        .isBetween(0.0, 1.0);
    InProcess evaluated = run("evaluate", file("out"), "--text", file("forget.txt"), "--json");
    assertThat(evaluated.exitCode()).isZero();
  }

  /** The retain loss of the model, on a few windows of these files. */
  private double retainLoss(int windows, String... files) {
    List<String> words = new ArrayList<>(List.of("forget-report", MODEL.toString()));
    words.addAll(List.of(MODEL.toString(), "--forget", file("forget.txt"), "--retain"));
    Arrays.stream(files).map(this::file).forEach(words::add);
    words.addAll(List.of("--windows", String.valueOf(windows)));
    words.addAll(List.of("--continuations", "0", "--relearn", "0", "--json"));
    InProcess compared = run(words.toArray(String[]::new));
    assertThat(compared.exitCode()).as(compared.stderr()).isZero();
    return json(compared.stdout()).get("retain").get("before").get("loss").doubleValue();
  }

  @Test
  void windowsAreSpreadOverTheFilesOfASet() {
    TestFiles.bytes(directory.resolve("one.txt"), Arrays.copyOf(TestFiles.read(TEXT), 600));
    TestFiles.bytes(directory.resolve("same.txt"), Arrays.copyOf(TestFiles.read(TEXT), 600));
    byte[] retain = TestFiles.read(directory.resolve("retain.txt"));
    TestFiles.bytes(directory.resolve("two.txt"), Arrays.copyOf(retain, 600));
    double first = retainLoss(1, "one.txt");
    assertThat(retainLoss(2, "one.txt", "same.txt")).isEqualTo(first, within(1e-6));
    assertThat(Math.abs(retainLoss(2, "one.txt", "two.txt") - first)).isGreaterThan(0.01);
  }

  @Test
  void sameCommandGivesTheSameWeights() {
    unlearn(file("a"), "--steps", "4", "--stop", "forget=9x");
    unlearn(file("b"), "--steps", "4", "--stop", "forget=9x");
    assertThat(TestFiles.read(directory.resolve("a/model.safetensors")))
        .isEqualTo(TestFiles.read(directory.resolve("b/model.safetensors")));
  }

  @Test
  void ruleThatCannotBeMetEndsWithFiveAndTheBestEffort() {
    InProcess run = unlearn(file("out"), "--steps", "4", "--stop", "forget=50x,retain=1.5x");
    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.stderr()).contains("was not met", "forget=50.0x", "hint: ");
    assertThat(directory.resolve("out/model.safetensors")).isNotEmptyFile();
    assertThat(run.stdout()).contains("forget loss");
  }

  @Test
  void overlappingSetsAreWarnedAbout() {
    InProcess run =
        run(
            "unlearn",
            MODEL.toString(),
            "-o",
            file("out"),
            "--forget",
            file("forget.txt"),
            "--retain",
            file("forget.txt"),
            "--sequences",
            "24",
            "--batch",
            "2",
            "--steps",
            "1");
    assertThat(run.stderr()).contains("warning: forget and retain set overlap: ");
  }
}
