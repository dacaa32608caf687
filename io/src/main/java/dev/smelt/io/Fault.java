package dev.smelt.io;

/** The kind of a failure, and with it the exit code of the process. */
public enum Fault {
  /** The work was started and did not succeed. */
  FAILED(1),
  /** The command line or the recipe is wrong. */
  USAGE(2),
  /** The input checkpoint, text or statistics file is missing, corrupt or contradicts itself. */
  CHECKPOINT(3),
  /** The architecture or feature is not supported. */
  UNSUPPORTED(4),
  /** A check failed: verify, diff, or a threshold in a recipe. */
  CHECK(5),
  /** There is not enough memory or disk. */
  RESOURCES(6),
  /** A bug in smelt. */
  BUG(70),
  /** The user interrupted the run. */
  INTERRUPTED(130);

  private final int exitCode;

  Fault(int exitCode) {
    this.exitCode = exitCode;
  }

  /** The exit code of the process that ends with this fault. */
  public int exitCode() {
    return exitCode;
  }
}
