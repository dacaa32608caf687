package dev.smelt.cli.recovery;

import dev.smelt.cli.console.Progress;
import dev.smelt.cli.console.Units;
import dev.smelt.routing.train.TrainingObserver;
import dev.smelt.routing.train.TrainingPoint;
import java.util.List;
import java.util.Locale;

/** Shows the steps of a training: loss, held-out loss and tokens per second. */
final class TrainingProgress implements TrainingObserver {
  private final Progress progress;
  private final String name;
  private final long started = System.nanoTime();
  private long tokensBefore;
  private double heldOut = Double.NaN;

  /** Shows a training; the name stands before its loss. */
  TrainingProgress(Progress progress, String name) {
    this.progress = progress;
    this.name = name;
  }

  @Override
  public void stepped(TrainingPoint point) {
    point.heldOut().ifPresent(loss -> heldOut = loss);
    double seconds = Math.max(1e-9, (System.nanoTime() - started) / 1e9);
    long rate = Math.round((point.tokens() - tokensBefore) / seconds);
    String judged =
        Double.isNaN(heldOut) ? "" : String.format(Locale.ROOT, ", held out %.4g", heldOut);
    progress.note(
        String.format(
            Locale.ROOT,
            "%sloss %.4g%s, %s tokens/s",
            name,
            point.loss(),
            judged,
            Units.count(rate)));
    progress.advance(1);
  }

  @Override
  public void resumed(List<TrainingPoint> points) {
    tokensBefore = points.isEmpty() ? 0 : points.getLast().tokens();
    points.forEach(point -> point.heldOut().ifPresent(loss -> heldOut = loss));
    progress.advance(points.size());
  }
}
