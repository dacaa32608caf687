package dev.smelt.cli.chart;

import dev.smelt.cli.chart.Canvas.Anchor;
import java.util.Arrays;
import java.util.List;

/** Lines over a common axis. */
public final class LinePlot {
  private static final int WIDTH = 800;
  private static final int HEIGHT = 480;
  private static final int LEFT = 80;
  private static final int RIGHT = 24;
  private static final int TOP = 48;
  private static final int BOTTOM = 56;
  private static final int TICKS = 6;
  private static final int LETTERS = 16;
  private static final String DARK = "#333333";
  private static final String LIGHT = "#dddddd";
  private static final List<String> COLOURS = List.of("#c0392b", "#1f618d", "#1e8449");

  /**
   * A line.
   *
   * @param name in the legend
   * @param x positions, ascending
   * @param y values; those that are not finite are left out
   */
  public record Series(String name, double[] x, double[] y) {}

  private final Canvas canvas;
  private final double xMax;
  private final double yMin;
  private final double yMax;

  private LinePlot(Canvas canvas, List<Series> series) {
    this.canvas = canvas;
    xMax = Math.max(1, series.stream().flatMapToDouble(s -> Arrays.stream(s.x())).max().orElse(1));
    double[] values =
        series.stream()
            .flatMapToDouble(s -> Arrays.stream(s.y()))
            .filter(Double::isFinite)
            .toArray();
    double low = Arrays.stream(values).min().orElse(0);
    double high = Arrays.stream(values).max().orElse(1);
    double margin = Math.max(1e-3, 0.05 * (high - low));
    yMin = low - margin;
    yMax = high + margin;
  }

  /** Draws lines over an axis with a name. */
  public static byte[] png(String axis, List<Series> series) {
    PngCanvas canvas = new PngCanvas(WIDTH, HEIGHT);
    new LinePlot(canvas, series).draw(axis, series);
    return canvas.bytes();
  }

  private void draw(String axis, List<Series> series) {
    for (Ticks.Tick x : Ticks.linear(0, xMax, TICKS)) {
      if (x.value() != Math.rint(x.value())) {
        continue; // there is no half of a step
      }
      canvas.text(column(x.value()), HEIGHT - BOTTOM + 20, LETTERS, Anchor.MIDDLE, DARK, x.label());
    }
    for (Ticks.Tick y : Ticks.linear(yMin, yMax, TICKS)) {
      canvas.line(LEFT, row(y.value()), WIDTH - RIGHT, row(y.value()), 1, LIGHT);
      canvas.text(LEFT - 10, row(y.value()) + 6, LETTERS, Anchor.END, DARK, y.label());
    }
    double middle = (LEFT + WIDTH - RIGHT) / 2.0;
    canvas.text(middle, HEIGHT - 12, LETTERS, Anchor.MIDDLE, DARK, axis);
    canvas.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, 1, DARK);
    canvas.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, 1, DARK);
    double at = LEFT;
    for (int i = 0; i < series.size(); i++) {
      String colour = COLOURS.get(i % COLOURS.size());
      line(series.get(i), colour);
      canvas.line(at, 24, at + 20, 24, 4, colour);
      canvas.text(at + 28, 30, LETTERS, Anchor.START, colour, series.get(i).name());
      at += 60 + StrokeLetters.width(series.get(i).name(), LETTERS);
    }
  }

  private void line(Series series, String colour) {
    int last = -1;
    for (int i = 0; i < series.x().length; i++) {
      if (!Double.isFinite(series.y()[i])) {
        last = -1;
        continue;
      }
      if (last >= 0) {
        canvas.line(
            column(series.x()[last]),
            row(series.y()[last]),
            column(series.x()[i]),
            row(series.y()[i]),
            2,
            colour);
      }
      last = i;
    }
  }

  private double column(double x) {
    return LEFT + x / xMax * (WIDTH - LEFT - RIGHT);
  }

  private double row(double y) {
    return TOP + (yMax - y) / (yMax - yMin) * (HEIGHT - TOP - BOTTOM);
  }
}
