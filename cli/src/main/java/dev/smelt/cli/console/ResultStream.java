package dev.smelt.cli.console;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/** Standard output that remembers its first failure; a closed pipe is not one. */
final class ResultStream extends FilterOutputStream {
  private Optional<IOException> failure = Optional.empty();

  ResultStream(OutputStream target) {
    super(target);
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    if (failure.isPresent()) {
      return;
    }
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      failure = Optional.of(e);
    }
  }

  @Override
  public void flush() {
    if (failure.isPresent()) {
      return;
    }
    try {
      out.flush();
    } catch (IOException e) {
      failure = Optional.of(e);
    }
  }

  /** Throws if results were lost, except to a reader that has seen enough. */
  void check() {
    flush();
    failure
        .filter(e -> !String.valueOf(e.getMessage()).contains("Broken pipe"))
        .ifPresent(
            e -> {
              throw new SmeltException(
                  Fault.FAILED,
                  "cannot write the results to standard output: " + e.getMessage(),
                  "",
                  e);
            });
  }
}
