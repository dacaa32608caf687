package dev.smelt.cli.pipeline;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/**
 * Lines over a common axis, as a PNG. Letters are drawn dot by dot: no fonts need to be installed,
 * and the bytes are the same everywhere.
 */
public final class LinePlot {
  private static final int WIDTH = 800;
  private static final int HEIGHT = 480;
  private static final int LEFT = 80;
  private static final int RIGHT = 24;
  private static final int TOP = 48;
  private static final int BOTTOM = 56;
  private static final int TICKS = 5;
  private static final List<Color> COLOURS =
      List.of(new Color(0xC0392B), new Color(0x1F618D), new Color(0x1E8449));

  /**
   * A line.
   *
   * @param name in the legend
   * @param x positions, ascending
   * @param y values; those that are not finite are left out
   */
  public record Series(String name, double[] x, double[] y) {}

  private final Graphics2D canvas;
  private final double xMax;
  private final double yMin;
  private final double yMax;

  private LinePlot(Graphics2D canvas, List<Series> series) {
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
    System.setProperty("java.awt.headless", "true");
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = image.createGraphics();
    canvas.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    canvas.setColor(Color.WHITE);
    canvas.fillRect(0, 0, WIDTH, HEIGHT);
    new LinePlot(canvas, series).draw(axis, series);
    canvas.dispose();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.setUseCache(false);
      if (!ImageIO.write(image, "png", bytes)) {
        throw new IllegalStateException("this Java has no PNG writer");
      }
    } catch (IOException e) {
      throw new SmeltException(Fault.BUG, "the picture of the losses: " + e.getMessage(), "", e);
    }
    return bytes.toByteArray();
  }

  private void draw(String axis, List<Series> series) {
    for (int tick = 0; tick <= TICKS; tick++) {
      double x = xMax * tick / TICKS;
      double y = yMin + (yMax - yMin) * tick / TICKS;
      canvas.setColor(new Color(0xDDDDDD));
      canvas.drawLine(LEFT, (int) row(y), WIDTH - RIGHT, (int) row(y));
      canvas.setColor(Color.DARK_GRAY);
      String steps = String.format(Locale.ROOT, "%.0f", x);
      DotLetters.draw(
          canvas, steps, (int) column(x) - DotLetters.width(steps) / 2, HEIGHT - BOTTOM + 10);
      String value = String.format(Locale.ROOT, yMax - yMin < 0.5 ? "%.4f" : "%.2f", y);
      DotLetters.draw(canvas, value, LEFT - 10 - DotLetters.width(value), (int) row(y) - 7);
    }
    DotLetters.draw(canvas, axis, (LEFT + WIDTH - RIGHT - DotLetters.width(axis)) / 2, HEIGHT - 24);
    canvas.drawRect(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    int at = LEFT;
    for (int i = 0; i < series.size(); i++) {
      canvas.setColor(COLOURS.get(i % COLOURS.size()));
      line(series.get(i));
      canvas.fillRect(at, 22, 20, 4);
      DotLetters.draw(canvas, series.get(i).name(), at + 28, 17);
      at += 60 + DotLetters.width(series.get(i).name());
    }
  }

  private void line(Series series) {
    Path2D path = new Path2D.Double();
    boolean open = false;
    for (int i = 0; i < series.x().length; i++) {
      if (!Double.isFinite(series.y()[i])) {
        open = false;
      } else if (open) {
        path.lineTo(column(series.x()[i]), row(series.y()[i]));
      } else {
        path.moveTo(column(series.x()[i]), row(series.y()[i]));
        open = true;
      }
    }
    canvas.setStroke(new BasicStroke(2));
    canvas.draw(path);
  }

  private double column(double x) {
    return LEFT + x / xMax * (WIDTH - LEFT - RIGHT);
  }

  private double row(double y) {
    return TOP + (yMax - y) / (yMax - yMin) * (HEIGHT - TOP - BOTTOM);
  }
}
