package dev.smelt.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged program as a whole: help, streams, exit codes, and what it loads. */
class FrameIT {
  @TempDir private Path directory;

  @Test
  void helpListsTheCommands() {
    Smelt.Run run = Smelt.run("--help");
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout()).contains("inspect", "diff", "verify", "run").doesNotContain("\u001b");
    assertThat(run.stderr()).isEmpty();
  }

  @Test
  void versionIsOneLine() {
    Smelt.Run run = Smelt.run("--version");
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout()).matches("smelt \\d+\\.\\d+\\.\\d+.* \\(Java \\d+.*\\)\n");
    assertThat(run.stderr()).isEmpty();
  }

  @Test
  void withoutACommandTheHelpIsAnError() {
    Smelt.Run run = Smelt.run();
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).startsWith("Usage: smelt");
  }

  @Test
  void aWrongOptionIsExplained() {
    Smelt.Run run = Smelt.run("inspect", "--jsno", "x");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.stderr())
        .isEqualTo(
            """
            error: unknown option `--jsno`
            hint: did you mean `--json`? see `smelt inspect --help`
            """);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--help", "--version", "inspect", "diff", "verify"})
  void commandsOnFilesNeverLoadNativeLibraries(String command) throws IOException {
    Path model = Models.moe(directory.resolve("model"), 1);
    Path classes = directory.resolve("classes.txt");
    List<Object> arguments =
        switch (command) {
          case "diff" -> List.of(command, model, model);
          case "inspect", "verify" -> List.of(command, model);
          default -> List.of(command);
        };
    Smelt.Run run =
        Smelt.in(directory)
            .with("SMELT_JAVA_OPTS", "-Xlog:class+load:file=" + classes)
            .start(arguments.toArray());
    assertThat(run.exitCode()).isZero();
    assertThat(Files.readAllLines(classes))
        .anyMatch(line -> line.contains("dev.smelt.cli.Main"))
        .noneMatch(line -> line.contains("org.bytedeco") || line.contains("ai.djl"));
  }

  @Test
  void aReaderThatStopsIsNoError() {
    Path model = Models.moe(directory.resolve("model"), 1);
    String pipe =
        "'" + Smelt.launcher() + "' inspect '" + model + "' | true; echo ${PIPESTATUS[0]}";
    Smelt.Run run = Smelt.in(directory).execute(List.of("bash", "-c", pipe));
    assertThat(run.stdout()).isEqualTo("0\n");
    assertThat(run.stderr()).isEmpty();
  }

  @Test
  void anInterruptExitsWith130() throws IOException, InterruptedException {
    Path pipe = directory.resolve("recipe.yaml");
    Smelt.in(directory).execute(List.of("mkfifo", pipe.toString()));
    Process process =
        new ProcessBuilder(Smelt.launcher().toString(), "run", pipe.toString()).start();
    // Opening for writing waits until the program has opened the recipe and waits for its text.
    try (OutputStream writer = Files.newOutputStream(pipe)) {
      Smelt.in(directory).execute(List.of("kill", "-INT", Long.toString(process.pid())));
      assertThat(process.waitFor()).isEqualTo(130);
      assertThat(new String(process.getErrorStream().readAllBytes(), UTF_8)).isEmpty();
      writer.flush();
    }
  }

  @Test
  void nothingIsSaidWhenTheCacheCannotBeWritten() {
    Smelt.Run run = Smelt.in(directory).with("SMELT_CACHE", "/proc/smelt").start("--version");
    assertThat(run.exitCode()).isZero();
    assertThat(run.stderr()).isEmpty();
  }

  @Test
  void theDistributionCanBeMoved() throws IOException {
    Path moved = directory.resolve("with space/smelt");
    Files.createDirectories(moved.getParent());
    Path distribution = Smelt.launcher().getParent().getParent();
    Smelt copy = Smelt.in(directory).with("SMELT_CACHE", "");
    copy.execute(List.of("cp", "-r", distribution.toAbsolutePath().toString(), moved.toString()));
    Smelt.Run run = copy.execute(List.of(moved + "/bin/smelt", "--version"));
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    assertThat(run.stdout()).startsWith("smelt ");
  }
}
