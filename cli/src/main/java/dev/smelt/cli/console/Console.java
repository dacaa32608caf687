package dev.smelt.cli.console;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * Where a command prints: results go to standard output, everything else to standard error.
 *
 * <p>Not safe for use from several threads, except {@link Progress}.
 */
public final class Console {
  private static final String BOLD_RED = "\u001b[1;31m";
  private static final String RESET = "\u001b[0m";

  private final ResultStream resultStream;
  private final PrintWriter results;
  private final PrintStream messages;
  private final Terminal terminal;
  private boolean quiet;
  private boolean verbose;

  /** A console that writes UTF-8 to these streams. */
  public Console(OutputStream results, OutputStream messages, Terminal terminal) {
    this.resultStream = new ResultStream(new BufferedOutputStream(results));
    this.results = new PrintWriter(resultStream, false, StandardCharsets.UTF_8);
    this.messages = new PrintStream(messages, true, StandardCharsets.UTF_8);
    this.terminal = terminal;
  }

  /** The console of this process. */
  public static Console system() {
    return new Console(
        new FileOutputStream(FileDescriptor.out),
        new FileOutputStream(FileDescriptor.err),
        Terminal.detect(System.getenv()));
  }

  /** Sets whether progress and remarks are left out. */
  public void setQuiet(boolean quiet) {
    this.quiet = quiet;
  }

  /** Sets whether details and the stack traces of errors are printed. */
  public void setVerbose(boolean verbose) {
    this.verbose = verbose;
  }

  /** Whether progress and remarks are left out. */
  public boolean isQuiet() {
    return quiet;
  }

  /** What the streams are connected to. */
  public Terminal terminal() {
    return terminal;
  }

  /** Whether details and the stack traces of errors are printed. */
  public boolean isVerbose() {
    return verbose;
  }

  /** Prints a line, or several, of the result. */
  public void result(String text) {
    results.println(text);
  }

  /** Where results are printed. */
  public PrintWriter resultWriter() {
    return results;
  }

  /** Prints a remark about the work, unless it is to be quiet. */
  public void info(String text) {
    if (!quiet) {
      error(text);
    }
  }

  /** Prints what only {@code --verbose} shows. */
  public void detail(String text) {
    if (verbose) {
      error(text);
    }
  }

  /** Prints a warning, also when it is to be quiet. */
  public void warn(String text) {
    error("warning: " + text);
  }

  /** Prints to standard error whatever was asked for. Results so far are printed before it. */
  public void error(String text) {
    results.flush();
    messages.println(text);
  }

  /** The text marked as an error, on a terminal with colours. */
  public String emphasis(String text) {
    return terminal.stderr() && terminal.colors() ? BOLD_RED + text + RESET : text;
  }

  /** Whether results may have colours. */
  public boolean colorsResults() {
    return terminal.stdout() && terminal.colors();
  }

  /** Writes out what is buffered; throws if results were lost. */
  public void finish() {
    results.flush();
    resultStream.check();
  }
}
