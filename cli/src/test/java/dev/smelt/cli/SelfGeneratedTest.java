package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Calibration text that the model writes itself, through the command line. */
class SelfGeneratedTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final String MODEL = QUICKSTART.resolve("model").toString();

  @TempDir private Path directory;

  private String text;

  @BeforeEach
  void writeText() {
    byte[] all = TestFiles.read(QUICKSTART.resolve("validation.txt"));
    text = TestFiles.bytes(directory.resolve("text.txt"), Arrays.copyOf(all, 4000)).toString();
  }

  private InProcess run(String command, Path output, String... more) {
    List<String> words = new ArrayList<>(List.of(command, MODEL, "-o", output.toString()));
    words.addAll(List.of("--text", text, "--sequences", "4", "--length", "32"));
    words.addAll(List.of("--compute", "f32"));
    words.addAll(List.of(more));
    return InProcess.run(Main.COMMANDS, words.toArray(String[]::new));
  }

  private static JsonNode json(Path file) {
    return JsonMapper.builder().build().readTree(file.toFile());
  }

  private Path drop(String name, String... more) {
    Path output = directory.resolve(name);
    List<String> words = new ArrayList<>(List.of("--experts", "8", "--repair", "refit"));
    words.addAll(List.of(more));
    InProcess run = run("drop", output, words.toArray(String[]::new));
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    return output;
  }

  private static int sequences(Path output) {
    return json(output.resolve("smelt-report.json")).at("/statistics/sequences").intValue();
  }

  @Test
  void aRepairAsksForThreeTimesTheText() {
    Path usual = drop("usual");
    Path same = drop("same", "--self-generated", "12");
    Path none = drop("none", "--self-generated", "0");
    assertThat(sequences(usual)).isEqualTo(16);
    assertThat(sequences(none)).isEqualTo(4);
    Path weights = Path.of("model.safetensors");
    assertThat(same.resolve(weights)).hasSameBinaryContentAs(usual.resolve(weights));
    assertThat(Files.exists(none.resolve(weights))).isTrue();
    assertThat(TestFiles.read(none.resolve(weights)))
        .isNotEqualTo(TestFiles.read(usual.resolve(weights)));
  }

  @Test
  void theRecipeRepeatsIt() {
    Path first = drop("first", "--self-generated", "5");
    assertThat(first.resolve("smelt-recipe.yaml")).content().contains("self-generated: 5");
    Path again = directory.resolve("again");
    InProcess run =
        InProcess.run(
            Main.COMMANDS,
            "run",
            first.resolve("smelt-recipe.yaml").toString(),
            "--set",
            "output=" + again);
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(first.resolve("model.safetensors"));
  }

  @Test
  void statisticsCountIt() {
    Path file = directory.resolve("statistics.safetensors");
    InProcess run = run("calibrate", file, "--self-generated", "3");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    assertThat(run.stdout() + run.stderr()).contains("224 tokens in 7 sequences");
  }

  @Test
  void theTeacherWritesForAStudent() {
    Path student = drop("student", "--self-generated", "0");
    Path output = directory.resolve("recovered");
    InProcess run =
        InProcess.run(
            Main.COMMANDS,
            "recover",
            student.toString(),
            "--teacher",
            MODEL,
            "-o",
            output.toString(),
            "--text",
            text,
            "--sequences",
            "4",
            "--self-generated",
            "12",
            "--length",
            "32",
            "--steps",
            "2",
            "--compute",
            "f32");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    JsonNode told = json(output.resolve("smelt-report.json")).get("text");
    assertThat(told.get("sequences").intValue()).isEqualTo(16);
    assertThat(output.resolve("smelt-recipe.yaml")).content().contains("self-generated: 12");
  }

  @Test
  void aNegativeNumberIsRefused() {
    InProcess run = run("calibrate", directory.resolve("s"), "--self-generated", "-1");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.stderr()).contains("--self-generated");
  }
}
