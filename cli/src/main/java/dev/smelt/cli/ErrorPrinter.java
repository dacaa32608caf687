package dev.smelt.cli;

import dev.smelt.cli.console.Console;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.PrintWriter;
import java.io.StringWriter;

/** Writes a failure to standard error, in one form for all commands. */
final class ErrorPrinter {
  private final Console console;

  ErrorPrinter(Console console) {
    this.console = console;
  }

  /** Prints message and hint, with the stack trace if it helps, and returns the exit code. */
  int print(SmeltException failure) {
    if (isShuttingDown()) {
      return Fault.INTERRUPTED.exitCode();
    }
    if (failure.fault() == Fault.BUG || console.isVerbose()) {
      console.error(stackTrace(failure).stripTrailing());
    }
    console.error(console.emphasis("error:") + " " + failure.getMessage());
    if (!failure.hint().isEmpty()) {
      console.error("hint: " + failure.hint());
    }
    return failure.fault().exitCode();
  }

  private static String stackTrace(SmeltException failure) {
    Throwable shown = failure.getCause() == null ? failure : failure.getCause();
    StringWriter text = new StringWriter();
    shown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  /** After an interrupt the hooks tear down what the command works on; its complaints are noise. */
  private static boolean isShuttingDown() {
    Thread probe = new Thread(() -> {});
    try {
      Runtime.getRuntime().addShutdownHook(probe);
      return !Runtime.getRuntime().removeShutdownHook(probe);
    } catch (IllegalStateException e) {
      return true;
    }
  }
}
