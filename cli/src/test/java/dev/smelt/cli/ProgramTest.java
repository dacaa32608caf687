package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The frame around commands: exit codes, messages and help. */
class ProgramTest {
  static final List<Arguments> FAILURES =
      List.of(
          Arguments.of(SmeltException.checkpoint("a.safetensors: bad", "Fetch it again."), 3),
          Arguments.of(new SmeltException(Fault.CHECK, "differs", ""), 5),
          Arguments.of(new OutOfMemoryError("Java heap space"), 6),
          Arguments.of(
              new IllegalStateException("DefaultCPUAllocator: not enough memory: 8 bytes"), 6),
          Arguments.of(new UncheckedIOException(new IOException("No space left on device")), 6),
          Arguments.of(new UncheckedIOException(new NoSuchFileException("a.txt")), 1),
          Arguments.of(new UnsatisfiedLinkError("no jnitorch in java.library.path"), 1),
          Arguments.of(
              new InternalError("a fault occurred in an unsafe memory access operation"), 3),
          Arguments.of(new StackOverflowError(), 70),
          Arguments.of(new IllegalStateException("surprise"), 70));

  @Command(name = "work", description = "Works.")
  static final class Work implements Callable<Integer> {
    private final Throwable failure;

    @Option(names = "--experts", description = "A number.")
    private int experts;

    Work(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public Integer call() throws Exception {
      switch (failure) {
        case Error error -> throw error;
        case Exception exception -> throw exception;
        default -> {
          return experts;
        }
      }
    }
  }

  private static InProcess run(Throwable failure, String... arguments) {
    Main.Entry entry = new Main.Entry("work", console -> new Work(failure));
    return InProcess.run(List.of(entry), arguments);
  }

  @ParameterizedTest
  @FieldSource("FAILURES")
  void everyFailureHasItsExitCode(Throwable failure, int exitCode) {
    InProcess run = run(failure, "work");
    assertThat(run.exitCode()).isEqualTo(exitCode);
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains("error: ").doesNotContain("null");
    assertThat(run.stderr().contains("\tat ")).isEqualTo(exitCode == 70);
  }

  @Test
  void messageAndHintAreTwoLines() {
    SmeltException failure = SmeltException.checkpoint("a.safetensors: bad", "Fetch it again.");
    assertThat(run(failure, "work").stderr())
        .isEqualTo("error: a.safetensors: bad\nhint: Fetch it again.\n");
  }

  @Test
  void verboseAddsTheStackTrace() {
    SmeltException failure = SmeltException.checkpoint("a.safetensors: bad", "");
    assertThat(run(failure, "work", "--verbose").stderr()).contains("\tat dev.smelt");
  }

  @Test
  void bugsAskForAReport() {
    assertThat(run(new IllegalStateException("surprise"), "work").stderr())
        .contains("error: unexpected IllegalStateException: surprise")
        .contains("report");
  }

  @ParameterizedTest
  @FieldSource("WRONG_COMMAND_LINES")
  void wrongCommandLinesExitWithTwo(List<String> arguments, String message) {
    InProcess run = run(new Throwable(), arguments.toArray(String[]::new));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains(message);
  }

  static final List<Arguments> WRONG_COMMAND_LINES =
      List.of(
          Arguments.of(List.of(), "Usage: smelt"),
          Arguments.of(List.of("wrok"), "did you mean `work`?"),
          Arguments.of(List.of("work", "--exprts", "3"), "did you mean `--experts`?"),
          Arguments.of(List.of("work", "--experts", "x"), "'x' is not an int"),
          Arguments.of(List.of("work", "extra"), "unexpected argument `extra`"),
          Arguments.of(List.of("--frobnicate"), "unknown option `--frobnicate`"));

  @Test
  void commandsReturnTheirExitCode() {
    assertThat(run(new Throwable(), "work", "--experts", "5").exitCode()).isEqualTo(5);
  }

  @Test
  void helpGoesToStandardOutput() {
    InProcess run = run(new Throwable(), "work", "--help");
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout()).contains("Usage: smelt work").contains("--quiet");
    assertThat(run.stderr()).isEmpty();
  }
}
