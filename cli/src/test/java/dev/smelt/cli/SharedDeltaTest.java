package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.TestFiles;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code smelt compress --method shared-delta} with its bases, on the model of the quickstart. */
class SharedDeltaTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final String MODEL = QUICKSTART.resolve("model").toString();
  private static final String TEXT = QUICKSTART.resolve("calibration.txt").toString();

  @TempDir private Path directory;

  private InProcess compress(String out, String options) {
    String output = directory.resolve(out).toString();
    List<String> words = new ArrayList<>(List.of("compress", MODEL, "-o", output));
    words.addAll(List.of("--method", "shared-delta", "--text", TEXT));
    words.addAll(Arrays.asList((options + " --length 64 --sequences 8 --compute f32").split(" +")));
    InProcess run = InProcess.run(Main.COMMANDS, words.toArray(String[]::new));
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    return run;
  }

  private String report(String out) {
    byte[] report = TestFiles.read(directory.resolve(out).resolve("smelt-report.json"));
    return new String(report, StandardCharsets.UTF_8);
  }

  /** The bytes of the first tensor whose name says that it is a base. */
  private byte[] base(String out) {
    try (var file = SafetensorsFile.open(directory.resolve(out).resolve("model.safetensors"))) {
      var base =
          file.tensors().values().stream()
              .filter(tensor -> tensor.name().contains("base"))
              .findFirst()
              .orElseThrow();
      return file.data(base).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @Test
  void fisherBasesAreOthersAndOfTheSameSize() {
    compress("fisher", "--rank 8 --base fisher");
    compress("again", "--rank 8 --base fisher");
    compress("frequency", "--rank 8");
    assertThat(base("fisher")).isEqualTo(base("again"));
    assertThat(base("fisher")).hasSameSizeAs(base("frequency")).isNotEqualTo(base("frequency"));
    assertThat(report("fisher")).contains("\"gradients\"", "\"base\": \"fisher\"");
    assertThat(report("frequency")).doesNotContain("\"gradients\"");
  }

  @Test
  void globalRanksAreThoseOfTheDryRun() {
    String options = "--parameter-ratio 0.4 --allocation global --base fisher";
    String plan = compress("out", options + " --dry-run").stdout();
    assertThat(directory.resolve("out")).doesNotExist();
    int from = plan.indexOf("expert parameters");
    String costs = plan.substring(from, plan.indexOf("needs")).strip();
    assertThat(compress("out", options).stdout()).contains(costs);
  }
}
