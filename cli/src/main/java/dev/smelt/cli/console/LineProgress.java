package dev.smelt.cli.console;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Progress as a line every ten seconds, for logs. A task that is done before that stays silent. */
final class LineProgress implements Progress {
  private static final int SECONDS = 10;

  private final Console console;
  private final String task;
  private final long total;
  private final String unit;
  private final LongSupplier nanoTime;
  private final long started;
  private final ScheduledExecutorService timer = timer();
  private long done;
  private boolean shown;
  private String note = "";

  LineProgress(Console console, String task, long total, String unit, LongSupplier nanoTime) {
    this.console = console;
    this.task = task;
    this.total = total;
    this.unit = unit;
    this.nanoTime = nanoTime;
    this.started = nanoTime.getAsLong();
  }

  static LineProgress start(Console console, String task, long total, String unit) {
    LineProgress progress = new LineProgress(console, task, total, unit, System::nanoTime);
    var unused =
        progress.timer.scheduleAtFixedRate(progress::show, SECONDS, SECONDS, TimeUnit.SECONDS);
    return progress;
  }

  @Override
  public synchronized void advance(long units) {
    done += units;
  }

  @Override
  public synchronized void note(String text) {
    note = ", " + text;
  }

  /** Prints where the task is now. */
  synchronized void show() {
    shown = true;
    console.info(line());
  }

  private String line() {
    long elapsed = nanoTime.getAsLong() - started;
    String line =
        "%s: %s of %s %s, %s%s"
            .formatted(task, Units.count(done), Units.count(total), unit, text(elapsed), note);
    if (done == 0 || done >= total) {
      return line;
    }
    return line + ", about " + text((long) ((double) elapsed / done * (total - done))) + " left";
  }

  private static String text(long nanos) {
    return Units.duration(Duration.ofNanos(nanos));
  }

  @Override
  public synchronized void close() {
    timer.shutdownNow();
    if (shown) {
      console.info(line());
    }
  }

  private static ScheduledExecutorService timer() {
    return new ScheduledThreadPoolExecutor(
        1, Thread.ofPlatform().daemon().name("smelt-progress").factory());
  }
}
