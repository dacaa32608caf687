package dev.smelt.cli.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.SmeltException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConsoleTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private Console console(String failure) {
    OutputStream out =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(failure);
          }
        };
    return new Console(out, err, Terminal.NONE);
  }

  @Test
  void aReaderThatHasSeenEnoughIsNoError() {
    Console console = console("Broken pipe");
    console.result("x".repeat(100_000));
    assertThatCode(console::finish).doesNotThrowAnyException();
  }

  @Test
  void lostResultsAreAnError() {
    Console console = console("No space left on device");
    console.result("x");
    assertThatThrownBy(console::finish)
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("No space left on device");
  }

  @Test
  void quietLeavesOutRemarksAndProgressButNotWarnings() {
    Console console = new Console(OutputStream.nullOutputStream(), err, Terminal.NONE);
    console.setQuiet(true);
    console.info("remark");
    console.warn("careful");
    try (Progress progress = Progress.start(console, "working", 3, "layers")) {
      progress.advance(1);
      assertThat(progress).isInstanceOf(SilentProgress.class);
    }
    assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("warning: careful\n");
  }

  @Test
  void progressIsALineWithTheTimeLeft() {
    long[] now = {0};
    Console console = new Console(OutputStream.nullOutputStream(), err, Terminal.NONE);
    try (LineProgress progress = new LineProgress(console, "merging", 8, "layers", () -> now[0])) {
      progress.advance(2);
      now[0] = 10_000_000_000L;
      progress.show();
      progress.advance(6);
      now[0] = 40_000_000_000L;
    }
    assertThat(err.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            """
            merging: 2 of 8 layers, 10.0 s, about 30.0 s left
            merging: 8 of 8 layers, 40.0 s
            """);
  }

  @Test
  void noColorIsHonoured() {
    assertThat(Terminal.detect(Map.of()).colors()).isTrue();
    assertThat(Terminal.detect(Map.of("NO_COLOR", "")).colors()).isTrue();
    assertThat(Terminal.detect(Map.of("NO_COLOR", "1")).colors()).isFalse();
    Console plain = new Console(err, err, new Terminal(true, true, false));
    assertThat(plain.emphasis("error:")).isEqualTo("error:");
  }
}
