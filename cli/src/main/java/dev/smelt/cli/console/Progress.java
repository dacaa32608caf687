package dev.smelt.cli.console;

/**
 * The progress of one long task.
 *
 * <p>A bar on a terminal; elsewhere one line every ten seconds; nothing with {@code --quiet}. May
 * be advanced from any thread.
 */
public interface Progress extends AutoCloseable {
  /** Says that so many more units are done. */
  void advance(long units);

  /** Says in a few words how it goes; replaces what was said before. */
  void note(String text);

  /** Ends the task, whether or not all of it was done. */
  @Override
  void close();

  /**
   * Starts showing a task.
   *
   * @param console where to show it
   * @param task what is being done, such as {@code calibrating}
   * @param total units of work in all, at least 0
   * @param unit the plural of what is counted, such as {@code layers}
   */
  static Progress start(Console console, String task, long total, String unit) {
    if (console.isQuiet()) {
      return new SilentProgress();
    }
    if (console.terminal().stderr()) {
      return new BarProgress(task, total, unit, console.terminal().colors());
    }
    return LineProgress.start(console, task, total, unit);
  }
}
