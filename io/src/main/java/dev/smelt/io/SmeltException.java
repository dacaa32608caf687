package dev.smelt.io;

import java.util.List;

/**
 * The one exception that smelt throws at its users.
 *
 * <p>The message says what is wrong, where (file, tensor, layer, expert), what was expected and
 * what was found; the hint says what to do. Several problems found together are one exception.
 */
public final class SmeltException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Fault fault;
  private final String hint;
  private final String[] problems;

  /**
   * Creates an exception.
   *
   * @param fault the kind, which gives the exit code
   * @param message what is wrong, where, expected and found
   * @param hint what to do about it; empty if there is nothing to say
   */
  public SmeltException(Fault fault, String message, String hint) {
    this(fault, message, hint, new String[] {message});
  }

  /** Creates an exception that keeps its technical cause for {@code --verbose}. */
  public SmeltException(Fault fault, String message, String hint, Throwable cause) {
    this(fault, message, hint, new String[] {message});
    initCause(cause);
  }

  private SmeltException(Fault fault, String message, String hint, String[] problems) {
    super(message);
    this.fault = fault;
    this.hint = hint;
    this.problems = problems;
  }

  /** A fault of the input checkpoint, text or statistics (exit code 3). */
  public static SmeltException checkpoint(String message, String hint) {
    return new SmeltException(Fault.CHECKPOINT, message, hint);
  }

  /** A fault of the command line or the recipe (exit code 2). */
  public static SmeltException usage(String message, String hint) {
    return new SmeltException(Fault.USAGE, message, hint);
  }

  /** An architecture or feature that is not supported (exit code 4). */
  public static SmeltException unsupported(String message, String hint) {
    return new SmeltException(Fault.UNSUPPORTED, message, hint);
  }

  /** Many problems as one exception; a single problem is shown as it is. */
  public static SmeltException all(Fault fault, List<String> problems, String hint) {
    if (problems.size() == 1) {
      return new SmeltException(fault, problems.getFirst(), hint);
    }
    String lines = String.join("\n  - ", problems);
    String message = problems.size() + " problems:\n  - " + lines;
    return new SmeltException(fault, message, hint, problems.toArray(String[]::new));
  }

  /** The kind of the failure. */
  public Fault fault() {
    return fault;
  }

  /** What to do about it; empty if there is nothing to say. */
  public String hint() {
    return hint;
  }

  /** The problems of {@link #all}, one message each; otherwise the message alone. */
  public List<String> problems() {
    return List.of(problems);
  }
}
