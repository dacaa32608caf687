package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TestFiles;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code smelt compress} with the methods slim and mask, on the model of the quickstart. */
class SlimAndMaskTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final String MODEL = QUICKSTART.resolve("model").toString();
  private static final String TEXT = QUICKSTART.resolve("calibration.txt").toString();
  private static final String UP = "model.layers.2.mlp.experts.3.up_proj.weight";

  @TempDir private Path directory;

  private InProcess compress(int exitCode, String model, String out, String options) {
    List<String> words = new ArrayList<>(List.of("compress", model, "-o", at(out).toString()));
    words.addAll(Arrays.asList(options.split(" +")));
    InProcess run = InProcess.run(Main.COMMANDS, words.toArray(String[]::new));
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(exitCode);
    return run;
  }

  private Path at(String name) {
    return directory.resolve(name);
  }

  private static String text(int sequences) {
    return " --text " + TEXT + " --length 64 --sequences " + sequences;
  }

  private static byte[] weights(Path model) {
    return TestFiles.read(model.resolve("model.safetensors"));
  }

  private static byte[] tensor(Path model, String name) {
    try (SafetensorsFile file = SafetensorsFile.open(model.resolve("model.safetensors"))) {
      StoredTensor stored = file.tensors().get(name);
      return file.data(stored).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static double zeros(Path model, String name) {
    byte[] bytes = tensor(model, name);
    int zeros = 0;
    for (int i = 0; i < bytes.length; i += 2) {
      zeros += bytes[i] == 0 && (bytes[i + 1] & 0x7F) == 0 ? 1 : 0;
    }
    return 2.0 * zeros / bytes.length;
  }

  @Test
  void fullWidthGivesTheSameBytes() {
    compress(0, MODEL, "out", "--method slim --parameter-ratio 1" + text(4));
    assertThat(weights(at("out"))).isEqualTo(weights(Path.of(MODEL)));
  }

  @ParameterizedTest
  @CsvSource({"slim", "low-rank"})
  void aDryRunTellsWhatTheRunLeaves(String method) {
    String options = "--method " + method + " --parameter-ratio 0.5" + text(16);
    String plan = compress(0, MODEL, "out", options + " --dry-run").stdout();
    assertThat(at("out")).doesNotExist();
    assertThat(plan).contains("memory", "disk", "time");
    int from = plan.indexOf("expert parameters");
    String costs = plan.substring(from, plan.indexOf("needs")).strip();
    assertThat(compress(0, MODEL, "out", options).stdout()).contains(costs);
  }

  @Test
  void halfTheWidthIsInConfigAndFile() {
    compress(0, MODEL, "out", "--method slim --parameter-ratio 0.5 --multiple 16" + text(64));
    String config =
        new String(TestFiles.read(at("out").resolve("config.json")), StandardCharsets.UTF_8);
    assertThat(config).contains("\"intermediate_size\": 48");
    assertThat(tensor(at("out"), UP)).hasSize(48 * 128 * 2);
    InProcess refitted = evaluate("out");
    compress(0, MODEL, "plain", "--method slim --width 48 --no-refit" + text(64));
    assertThat(loss(refitted)).isLessThan(loss(evaluate("plain")));
  }

  private InProcess evaluate(String name) {
    return InProcess.run(
        Main.COMMANDS,
        "evaluate",
        at(name).toString(),
        "--text",
        QUICKSTART.resolve("validation.txt").toString(),
        "--length",
        "128",
        "--json");
  }

  private static double loss(InProcess run) {
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    String json = run.stdout();
    int start = json.lastIndexOf("\"loss\":") + 7;
    return Double.parseDouble(json.substring(start, json.indexOf(',', start)).strip());
  }

  @Test
  void withoutTextNoRowIsAboutOutputs() {
    String row = "expert     ";
    String slim = "--method slim --parameter-ratio 0.5";
    assertThat(compress(0, MODEL, "measured", slim + text(4)).stdout()).contains(row);
    String lowRank = "--method low-rank --parameter-ratio 0.5";
    assertThat(compress(0, MODEL, "out", lowRank).stdout()).contains("gate").doesNotContain(row);
  }

  @Test
  void aMaskOfNothingGivesTheSameBytes() {
    compress(0, MODEL, "out", "--method mask --sparsity 0");
    assertThat(weights(at("out"))).isEqualTo(weights(Path.of(MODEL)));
  }

  @ParameterizedTest
  @CsvSource({
    "--sparsity 0.5, 0.5",
    "--sparsity 0.5 --scope layer, 0.5",
    "--sparsity 0.7 --scope global, 0.7",
    "--pattern 2:4, 0.5",
    "--pattern neuron --sparsity 0.25, 0.25",
    "--score random --sparsity 0.3 --mask-seed 5, 0.3"
  })
  void theShareOfZerosIsWhatWasAskedFor(String options, double share) {
    compress(0, MODEL, "out", "--method mask " + options);
    double sum = 0;
    for (int e = 0; e < 16; e++) {
      for (String part : List.of("gate", "up", "down")) {
        sum += zeros(at("out"), "model.layers.2.mlp.experts." + e + "." + part + "_proj.weight");
      }
    }
    double tolerance = options.contains("global") ? 0.1 : 0.01;
    assertThat(sum / 48).isBetween(share - tolerance, share + tolerance);
    assertThat(weights(at("out"))).hasSameSizeAs(weights(Path.of(MODEL)));
  }

  @Test
  void aMaskIsAppliedToAnotherCheckpoint() {
    compress(0, MODEL, "masked", "--method mask --score wanda --sparsity 0.5" + text(16));
    compress(0, MODEL, "again", "--method mask --apply " + at("masked.mask"));
    assertThat(weights(at("again"))).isEqualTo(weights(at("masked")));
    assertThat(weights(at("again.mask"))).isEqualTo(weights(at("masked.mask")));
    compress(0, MODEL, "wide", "--method slim --width 48" + text(4));
    InProcess refused =
        compress(3, at("wide").toString(), "other", "--method mask --apply " + at("masked.mask"));
    assertThat(refused.stderr()).contains("is U8 [96, 16], expected U8 [48, 16]");
  }

  @Test
  void aRewindHasTheWeightsOfTheOther() {
    compress(0, MODEL, "init", "--method mask --score random --sparsity 0.1");
    compress(0, MODEL, "ticket", "--method mask --sparsity 0.5 --rewind " + at("init"));
    compress(0, MODEL, "trained", "--method mask --sparsity 0.5");
    assertThat(weights(at("ticket.mask"))).isEqualTo(weights(at("trained.mask")));
    assertThat(weights(at("ticket"))).isNotEqualTo(weights(at("trained")));
    assertThat(zeros(at("ticket"), UP)).isGreaterThan(zeros(at("trained"), UP));
    assertThat(Files.exists(at("ticket.trained"))).isFalse();
    assertThat(Files.exists(at("ticket.trained.mask"))).isFalse();
  }

  @Test
  void theBestOfRandomMasksIsKept() {
    InProcess run =
        compress(
            0,
            MODEL,
            "out",
            "--method mask --score random --sparsity 0.5 --random-search 3" + text(8));
    assertThat(run.stderr()).contains("of 3 random masks");
    String recipe =
        new String(TestFiles.read(at("out").resolve("smelt-recipe.yaml")), StandardCharsets.UTF_8);
    assertThat(recipe).contains("mask-seed: ").doesNotContain("random-search");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--method slim --parameter-ratio 0.5 | 2 | --text is missing",
        "--method slim TEXT | 2 | slim needs a width",
        "--method slim --width 97 TEXT | 2 | the experts have 96 neurons",
        "--method slim --width 8 --multiple 16 TEXT | 2 | none would be left",
        "--method slim --width 8 --parameter-ratio 0.5 TEXT | 2 | exclude each other",
        "--method slim --parameter-ratio 1.5 TEXT | 2 | --parameter-ratio 1.5",
        "--method slim --width 8 --refit-ridge 0 TEXT | 2 | --refit-ridge 0",
        "--method slim --width 8 --no-refit --refit-ridge 0.1 TEXT | 2 | --no-refit",
        "--method slim --width 8 --sparsity 0.5 TEXT | 2 | not an option of the method slim",
        "--method mask | 2 | --sparsity is missing",
        "--method mask --sparsity 1 | 2 | --sparsity 1",
        "--method mask --pattern 3:2 | 2 | keeps more than there are",
        "--method mask --pattern 2:5 | 2 | not divisible by 5",
        "--method mask --pattern 2:4 --sparsity 0.5 | 2 | leave out --sparsity",
        "--method mask --pattern x --sparsity 0.5 | 2 | expected unstructured, neuron or N:M",
        "--method mask --pattern 2:4 --scope layer | 2 | --scope is for unstructured masks",
        "--method mask --score wanda --sparsity 0.5 | 2 | --text is missing",
        "--method mask --score random --scope layer --sparsity 0.5 | 2 | --scope",
        "--method mask --mask-seed 1 --sparsity 0.5 | 2 | --mask-seed is for --score random",
        "--method mask --random-search 2 --sparsity 0.5 TEXT | 2 | add --score random",
        "--method mask --random-search 2 --score random --sparsity 0.5 | 2 | --text is missing",
        "--method mask --apply DIR/none | 3 | there is no mask",
        "--method mask --apply DIR/none --sparsity 0.5 | 2 | takes a mask as it is",
        "--method mask --apply MODEL | 3 | mask 'layers.0.experts.0.gate' is missing",
        "--method mask --sparsity 0.5 --rewind DIR/none | 3 | DIR/none"
      })
  void wrongInputIsRefused(String options, int exitCode, String message) {
    String words =
        options
            .replace("TEXT", text(4))
            .replace("DIR", directory.toString())
            .replace("MODEL", MODEL);
    InProcess run = compress(exitCode, MODEL, "out", words.strip());
    assertThat(run.stderr()).contains(message.replace("DIR", directory.toString()), "hint: ");
    assertThat(TestFiles.tree(directory)).isEmpty();
  }
}
