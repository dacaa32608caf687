package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Diff;
import dev.smelt.io.TestFiles;
import dev.smelt.io.TestFiles.Values;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Unlearning on a tiny checkpoint of every family: one expert and its router change. */
class UnlearnFamiliesTest {
  private static final Path GOLDENS = Path.of("..", "model", "src", "test", "resources", "golden");

  /** Quantised experts, a kind of attention that is refused, and an encoder-decoder. */
  private static final Set<String> REFUSED =
      Set.of("deepseek_v3_fp8", "gpt_oss_mxfp4", "deepseek_v32_sparse", "switch_transformers");

  private static final int LENGTH = 16;

  @TempDir private Path directory;

  static List<String> families() throws IOException {
    try (Stream<Path> all = Files.list(GOLDENS)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> !REFUSED.contains(name))
          .sorted()
          .toList();
    }
  }

  /** Twelve times the same sequence, so that what is held out is what is forgotten. */
  @BeforeEach
  void text() {
    long[] ids = LongStream.range(0, 12 * LENGTH).map(i -> 3 + 7 * (i % LENGTH) % 89).toArray();
    Values rows = TestFiles.i64(List.of(12L, (long) LENGTH), ids);
    TestFiles.safetensors(directory.resolve("ids.safetensors"), TestFiles.tensors("ids", rows));
  }

  private InProcess unlearn(String family) {
    String words =
        "unlearn MODEL -o DIR/out --forget DIR/ids.safetensors --loss ga --lr 0.05 --steps 4"
            + " --check-every 1 --stop forget=1.01x --sequences 12 --batch 2 --length 16"
            + " --compute f32 --threads 1";
    String[] arguments =
        Stream.of(words.split(" "))
            .map(word -> word.replace("MODEL", GOLDENS.resolve(family).toString()))
            .map(word -> word.replace("DIR", directory.toString()))
            .toArray(String[]::new);
    return InProcess.run(Main.COMMANDS, arguments);
  }

  @ParameterizedTest
  @MethodSource("families")
  void changesOneExpertAndItsRouter(String family) {
    InProcess run = unlearn(family);
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    JsonNode target = report().get("targets").get(0);
    List<String> changed = changed(family);
    assertThat(changed).hasSizeBetween(2, 6);
    String layer = "." + target.get("layer").intValue() + ".";
    assertThat(changed).allSatisfy(name -> assertThat(name).contains(layer));
    String expert = ".experts." + target.get("expert").intValue() + ".";
    assertThat(changed)
        .filteredOn(name -> name.matches(".*\\.experts\\.\\d+\\..*"))
        .allSatisfy(name -> assertThat(name).contains(expert));
  }

  private JsonNode report() {
    byte[] text = TestFiles.read(directory.resolve("out/smelt-report.json"));
    return new JsonMapper().readTree(new String(text, StandardCharsets.UTF_8));
  }

  private List<String> changed(String family) {
    try (Checkpoint before = Checkpoint.open(GOLDENS.resolve(family));
        Checkpoint after = Checkpoint.open(directory.resolve("out"))) {
      return CheckpointDiff.between(before, after).tensors().stream()
          .filter(tensor -> tensor.kind() != Diff.Kind.EQUAL)
          .map(Diff.TensorDifference::name)
          .toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"deepseek_v3_fp8", "gpt_oss_mxfp4", "switch_transformers"})
  void isRefusedByName(String family) {
    InProcess run = unlearn(family);
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(4);
    assertThat(run.stderr()).containsPattern("quantised|encoder-decoder").contains("hint: ");
    assertThat(directory.resolve("out")).doesNotExist();
  }
}
