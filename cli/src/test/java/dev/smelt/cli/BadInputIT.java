package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Wrong input through the command line: one clear message, a hint, the right exit code, nothing on
 * standard output and nothing written.
 */
class BadInputIT {
  /**
   * A row of the table.
   *
   * @param name what is wrong
   * @param spoil changes a sound checkpoint, which is in the given directory
   * @param arguments the command line; MODEL stands for the checkpoint, DIR for its parent
   * @param exitCode the expected exit code
   * @param messages what the message must contain
   */
  record Case(
      String name, Consumer<Path> spoil, String arguments, int exitCode, List<String> messages) {
    @Override
    public String toString() {
      return name;
    }
  }

  static final List<Case> CASES = cases();

  @TempDir private Path directory;

  private static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    Consumer<Path> nothing = model -> {};
    cases.add(bad("no such directory", nothing, "inspect DIR/none", 3, "DIR/none"));
    cases.add(bad("a file", nothing, "inspect MODEL/config.json", 3, "config.json"));
    cases.add(bad("not in the hub cache", nothing, "inspect own/name", 3, "own/name", "hub cache"));
    cases.add(bad("no config.json", delete("config.json"), "inspect MODEL", 3, "config.json"));
    cases.add(
        bad(
            "config is not JSON",
            text("config.json", "{\"a\": "),
            "inspect MODEL",
            3,
            "config.json"));
    cases.add(
        bad("config is a list", text("config.json", "[]"), "inspect MODEL", 3, "config.json"));
    cases.add(bad("no weights", delete("model.safetensors"), "inspect MODEL", 3, "MODEL"));
    cases.add(
        bad("empty file", text("model.safetensors", ""), "inspect MODEL", 3, "model.safetensors"));
    cases.add(bad("truncated header", cut(40), "inspect MODEL", 3, "model.safetensors"));
    cases.add(bad("truncated data", cut(-3), "inspect MODEL", 3, "model.safetensors"));
    cases.add(header("header is not JSON", "{\"a\"", 4, "model.safetensors"));
    cases.add(
        header(
            "key given twice",
            "{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("a", "F32", "[1]", 0, 4) + "}",
            4,
            "a"));
    cases.add(
        header(
            "overlap",
            "{" + tensor("a", "F32", "[2]", 0, 8) + "," + tensor("b", "F32", "[1]", 4, 8) + "}",
            8,
            "b"));
    cases.add(
        header(
            "gap",
            "{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("b", "F32", "[1]", 8, 12) + "}",
            12,
            "b"));
    cases.add(
        header(
            "trailing bytes", "{" + tensor("a", "F32", "[1]", 0, 4) + "}", 9, "model.safetensors"));
    cases.add(header("negative size", "{" + tensor("a", "F32", "[-1]", 0, 4) + "}", 4, "a"));
    cases.add(
        header(
            "sizes overflow",
            "{" + tensor("a", "F32", "[4611686018427387904,4]", 0, 4) + "}",
            4,
            "a"));
    cases.add(
        header("wrong size for the type", "{" + tensor("a", "F64", "[1]", 0, 4) + "}", 4, "a"));
    cases.add(
        header("metadata is not text", "{\"__metadata__\":{\"a\":1}}", 0, "metadata field a"));
    cases.add(index("shard is missing", "model-00002-of-00002.safetensors"));
    cases.add(index("shard outside, relative", "../model.safetensors"));
    cases.add(index("shard outside, absolute", "/etc/passwd"));
    cases.add(bad("verify: truncated data", cut(-3), "verify MODEL", 5, "model.safetensors"));
    cases.add(bad("diff: second is missing", nothing, "diff MODEL DIR/none", 3, "DIR/none"));
    cases.add(bad("diff: one argument", nothing, "diff MODEL", 2, "MODEL_B"));
    cases.add(bad("unknown command", nothing, "inspct MODEL", 2, "did you mean `inspect`?"));
    cases.add(bad("run: no recipe", nothing, "run DIR/none.yaml", 2, "none.yaml"));
    cases.add(bad("run: not YAML", text("r.yaml", "a: [b"), "run MODEL/r.yaml", 2, "r.yaml line"));
    cases.add(
        bad(
            "run: unknown key",
            text("r.yaml", "modle: m"),
            "run MODEL/r.yaml",
            2,
            "line 1",
            "did you mean `model`?"));
    return List.copyOf(cases);
  }

  private static Case bad(
      String name, Consumer<Path> spoil, String arguments, int exitCode, String... messages) {
    return new Case(name, spoil, arguments, exitCode, List.of(messages));
  }

  private static Case header(String name, String header, int bytes, String message) {
    Consumer<Path> spoil =
        model -> TestFiles.raw(model.resolve("model.safetensors"), header, new byte[bytes]);
    return bad(name, spoil, "inspect MODEL", 3, message);
  }

  private static Case index(String name, String shard) {
    Consumer<Path> spoil =
        model -> {
          delete("model.safetensors").accept(model);
          String index = "{\"metadata\":{\"total_size\":4},\"weight_map\":{\"a\":\"SHARD\"}}";
          text("model.safetensors.index.json", index.replace("SHARD", shard)).accept(model);
        };
    return bad(name, spoil, "inspect MODEL", 3, shard);
  }

  private static String tensor(String name, String dtype, String shape, int begin, int end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
        .formatted(name, dtype, shape, begin, end);
  }

  private static Consumer<Path> text(String file, String text) {
    return model -> TestFiles.text(model.resolve(file), text);
  }

  private static Consumer<Path> delete(String file) {
    return model -> {
      try {
        Files.delete(model.resolve(file));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  /** Keeps the first bytes of the weights, or all but the last. */
  private static Consumer<Path> cut(int size) {
    return model -> {
      Path file = model.resolve("model.safetensors");
      byte[] all = TestFiles.read(file);
      TestFiles.bytes(file, Arrays.copyOf(all, size < 0 ? all.length + size : size));
    };
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void isRefused(Case wrong) {
    Path model = Models.moe(directory.resolve("model"), 1);
    wrong.spoil().accept(model);
    List<String> before = TestFiles.tree(directory);
    Object[] arguments = Stream.of(wrong.arguments().split(" ")).map(this::filled).toArray();
    Smelt.Run run = Smelt.in(directory).with("HF_HUB_CACHE", directory.toString()).start(arguments);
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(wrong.exitCode());
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).startsWith("error: ").doesNotContain("Exception", "\tat ", "null");
    assertThat(run.stderr()).contains(wrong.messages().stream().map(this::filled).toList());
    assertThat(run.stderr()).contains("hint: ");
    assertThat(TestFiles.tree(directory)).isEqualTo(before);
  }

  /** The system cuts the file off in the middle, as a disk does that another program fills. */
  @Test
  void aWriteThatFailsHalfwayLeavesNothing() {
    Object[] drop = {
      Smelt.launcher(),
      "drop",
      Smelt.root().resolve("examples/quickstart/model"),
      "-o",
      directory.resolve("out"),
      "--experts",
      8,
      "--criterion",
      "random",
      "--repair",
      "none"
    };
    List<String> command = new ArrayList<>(List.of("bash", "-c", "ulimit -f 1000; \"$0\" \"$@\""));
    Stream.of(drop).map(Object::toString).forEach(command::add);
    Smelt.Run run = Smelt.in(directory).execute(command);
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(1);
    assertThat(run.stderr()).startsWith("error: ").contains("out: cannot be written", "hint: ");
    assertThat(TestFiles.tree(directory)).isEmpty();
  }

  private String filled(String argument) {
    return argument
        .replace("MODEL_B", "\u0000")
        .replace("MODEL", directory.resolve("model").toString())
        .replace("DIR", directory.toString())
        .replace("\u0000", "MODEL_B");
  }
}
