package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What {@code smelt recover} writes, for the model of the quickstart with half of its experts. */
class RecoverTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final Path MODEL = QUICKSTART.resolve("model");
  private static final Path TEXT = QUICKSTART.resolve("calibration.txt");

  @TempDir private Path directory;
  private Path student;

  @BeforeEach
  void drop() {
    student = directory.resolve("student");
    run("drop", MODEL, "-o", student, "--ratio", "0.5", "--criterion", "aimer", "--repair", "none");
  }

  private static InProcess run(Object... words) {
    String[] arguments = new String[words.length];
    for (int i = 0; i < words.length; i++) {
      arguments[i] = words[i].toString();
    }
    InProcess done = InProcess.run(Main.COMMANDS, arguments);
    assertThat(done.exitCode()).as(done.stderr()).isZero();
    return done;
  }

  private Path recover(String name, String mode) {
    Path out = directory.resolve(name);
    run(
        "recover",
        student,
        "--teacher",
        MODEL,
        "--text",
        TEXT,
        "-o",
        out,
        "--mode",
        mode,
        "--steps",
        "6",
        "--batch",
        "256",
        "--sequences",
        "16",
        "--length",
        "64",
        "--check-every",
        "3");
    return out;
  }

  private static List<String> curve(Path out) {
    return new String(TestFiles.read(out.resolve("smelt-curve.csv")), StandardCharsets.UTF_8)
        .lines()
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"layerwise", "end-to-end"})
  void lowersTheLossAndTellsHow(String mode) throws IOException {
    Path out = recover("out", mode);
    List<String> rows = curve(out);
    int trainings = mode.equals("layerwise") ? 4 : 1;
    assertThat(rows).hasSize(1 + 6 * trainings);
    assertThat(rows.getFirst()).isEqualTo("layer,step,tokens,rate,loss,gradient_norm,held_out");
    assertThat(rows.getLast()).startsWith((mode.equals("layerwise") ? "3" : "all") + ",6,");
    BufferedImage picture = ImageIO.read(out.resolve("smelt-curve.png").toFile());
    assertThat(picture.getWidth()).isEqualTo(1600);
    assertThat(colours(picture)).contains(0xC0392B, 0x1F618D);
    var report = new JsonMapper().readTree(TestFiles.read(out.resolve("smelt-report.json")));
    assertThat(report.at("/training").size()).isEqualTo(trainings);
    report
        .at("/training")
        .forEach(
            training ->
                assertThat(training.at("/heldOutAfter").asDouble())
                    .isLessThan(training.at("/heldOutBefore").asDouble()));
    assertThat(Files.exists(directory.resolve(".smelt-recover"))).isFalse();
    assertThat(TestFiles.tree(directory)).noneMatch(name -> name.contains(".smelt"));
    assertThat(perplexity(out)).isLessThan(perplexity(student));
  }

  private static List<Integer> colours(BufferedImage picture) {
    return IntStream.range(0, picture.getWidth() * picture.getHeight())
        .map(i -> picture.getRGB(i % picture.getWidth(), i / picture.getWidth()) & 0xFFFFFF)
        .distinct()
        .boxed()
        .toList();
  }

  private double perplexity(Path model) {
    Path judge = directory.resolve("judge.txt");
    byte[] text = TestFiles.read(QUICKSTART.resolve("validation.txt"));
    TestFiles.bytes(judge, Arrays.copyOf(text, 6000));
    String json =
        run("evaluate", model, "--text", judge, "--length", "128", "--json", "-q").stdout();
    return new JsonMapper().readTree(json).at("/perplexity").asDouble();
  }

  @Test
  void itsRecipeRepeatsIt() {
    Path out = recover("out", "end-to-end");
    Path again = directory.resolve("again");
    run("run", out.resolve("smelt-recipe.yaml"), "--set", "output=" + again);
    assertThat(TestFiles.read(again.resolve("model.safetensors")))
        .isEqualTo(TestFiles.read(out.resolve("model.safetensors")));
    assertThat(curve(again)).isEqualTo(curve(out));
  }

  @Test
  void aRecipeDropsAndRecovers() {
    Path out = directory.resolve("both");
    Path recipe = directory.resolve("recipe.yaml");
    TestFiles.text(
        recipe,
        """
        model: %s
        text: %s
        output: %s
        steps:
          - drop: {ratio: 0.5, criterion: aimer, repair: none}
          - recover: {steps: 4, batch: 256, sequences: 16, length: 64}
        checks:
          recovery: ">= 1%%"
        """
            .formatted(MODEL.toAbsolutePath(), TEXT.toAbsolutePath(), out));
    run("run", recipe);
    assertThat(curve(out)).hasSize(17);
    assertThat(TestFiles.tree(directory)).noneMatch(name -> name.contains("both.student"));
  }

  @Test
  void trainsRoutersAlone() {
    Path out = directory.resolve("routers");
    run(
        "recover",
        student,
        "--teacher",
        MODEL,
        "--text",
        TEXT,
        "-o",
        out,
        "--train",
        "router",
        "--steps",
        "4",
        "--batch",
        "256",
        "--sequences",
        "16",
        "--length",
        "64");
    String diff = InProcess.run(Main.COMMANDS, "diff", student.toString(), out.toString()).stdout();
    assertThat(diff).contains("mlp.gate.weight").doesNotContain("up_proj");
  }

  @Test
  void trainsTheFactorsOfACompactStudent() {
    Path compact = directory.resolve("compact");
    run("compress", MODEL, "-o", compact, "--method", "low-rank", "--parameter-ratio", "0.5");
    Path out = directory.resolve("factors");
    run(
        "recover",
        compact,
        "--teacher",
        MODEL,
        "--text",
        TEXT,
        "-o",
        out,
        "--mode",
        "end-to-end",
        "--train",
        "factors",
        "--steps",
        "6",
        "--batch",
        "512",
        "--sequences",
        "16",
        "--length",
        "64",
        "--rate",
        "0.002",
        "--check-every",
        "2");
    assertThat(perplexity(out)).isLessThan(perplexity(compact));
    String diff = InProcess.run(Main.COMMANDS, "diff", compact.toString(), out.toString()).stdout();
    assertThat(diff).contains("experts.").doesNotContain("mlp.gate.weight", "self_attn");
  }

  @ParameterizedTest
  @CsvSource({"low-rank, factors", "low-rank-sparse, all", "shared-delta, experts"})
  void trainsCompactStudentsLayerByLayer(String method, String part) {
    Path compact = directory.resolve("compact");
    List<Object> words = new ArrayList<>(List.of("compress", MODEL, "-o", compact));
    words.addAll(List.of("--method", method, "--parameter-ratio", "0.4"));
    if (!method.equals("low-rank")) {
      words.addAll(List.of("--text", TEXT, "--sequences", "16", "--length", "64"));
    }
    run(words.toArray());
    Path out = directory.resolve("out");
    words = new ArrayList<>(List.of("recover", compact, "--teacher", MODEL, "-o", out));
    words.addAll(List.of("--text", TEXT, "--train", part, "--steps", "20", "--batch", "512"));
    words.addAll(List.of("--sequences", "48", "--length", "64", "--check-every", "5"));
    run(words.toArray());
    assertThat(perplexity(out)).isLessThan(0.95 * perplexity(compact));
    String diff =
        InProcess.run(Main.COMMANDS, "diff", compact.toString(), out.toString(), "--all").stdout();
    assertThat(diff).contains("experts.").doesNotContain("self_attn", ".index");
    assertThat(diff.contains("mlp.gate.weight")).isEqualTo(part.equals("all"));
    assertThat(TestFiles.read(out.resolve("config.json")))
        .isEqualTo(TestFiles.read(compact.resolve("config.json")));
  }
}
