package dev.smelt.cli.recovery;

import dev.smelt.routing.train.TrainingPoint;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/**
 * A loss curve as a picture: loss of the batches in grey, of held-out tokens in red, over steps;
 * the trainings of several layers stand one after the other, with a line between them.
 *
 * <p>Drawn pixel by pixel with digits of its own, so that it needs no fonts and no display.
 */
final class CurvePicture {
  private static final int WIDTH = 960;
  private static final int HEIGHT = 480;
  private static final int LEFT = 70;
  private static final int RIGHT = 20;
  private static final int TOP = 20;
  private static final int BOTTOM = 40;
  private static final int TICKS = 5;
  private static final int WHITE = 0xFFFFFF;
  private static final int BLACK = 0x202020;
  private static final int GREY = 0x9AA0A6;
  private static final int PALE = 0xE4E7EA;
  private static final int RED = 0xC0392B;

  private final BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
  private final int steps;
  private final double low;
  private final double high;

  private CurvePicture(LossCurve curve) {
    List<Double> values = new ArrayList<>();
    int count = 0;
    for (LossCurve.Run run : curve.runs()) {
      count += run.points().size();
      for (TrainingPoint point : run.points()) {
        values.add(point.loss());
        point.heldOut().ifPresent(values::add);
      }
    }
    steps = Math.max(2, count);
    low = values.stream().mapToDouble(v -> v).min().orElse(0);
    double most = values.stream().mapToDouble(v -> v).max().orElse(1);
    high = most > low ? most : low + 1;
  }

  /** The picture as the bytes of a PNG file. */
  static byte[] png(LossCurve curve) {
    CurvePicture picture = new CurvePicture(curve);
    picture.draw(curve);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture.image, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private void draw(LossCurve curve) {
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        image.setRGB(x, y, WHITE);
      }
    }
    drawAxes();
    int start = 0;
    for (LossCurve.Run run : curve.runs()) {
      if (start > 0) {
        line(x(start), TOP, x(start), HEIGHT - BOTTOM, PALE);
      }
      drawRun(run.points(), start);
      start += run.points().size();
    }
  }

  private void drawAxes() {
    for (int tick = 0; tick <= TICKS; tick++) {
      double loss = low + (high - low) * tick / TICKS;
      line(LEFT, y(loss), WIDTH - RIGHT, y(loss), PALE);
      Digits.draw(image, String.format(Locale.ROOT, "%.4g", loss), 6, y(loss) - 5, BLACK);
      int step = (int) ((long) (steps - 1) * tick / TICKS);
      Digits.draw(image, String.valueOf(step + 1), x(step) - 10, HEIGHT - BOTTOM + 12, BLACK);
    }
    line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, BLACK);
    line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, BLACK);
  }

  private void drawRun(List<TrainingPoint> points, int start) {
    for (int i = 1; i < points.size(); i++) {
      line(
          x(start + i - 1),
          y(points.get(i - 1).loss()),
          x(start + i),
          y(points.get(i).loss()),
          GREY);
    }
    int before = -1;
    for (int i = 0; i < points.size(); i++) {
      if (points.get(i).heldOut().isPresent()) {
        double loss = points.get(i).heldOut().get();
        dot(x(start + i), y(loss));
        if (before >= 0) {
          double last = points.get(before).heldOut().orElseThrow();
          line(x(start + before), y(last), x(start + i), y(loss), RED);
        }
        before = i;
      }
    }
  }

  private int x(int step) {
    return LEFT + (int) Math.round((WIDTH - LEFT - RIGHT) * (double) step / (steps - 1));
  }

  private int y(double loss) {
    return HEIGHT
        - BOTTOM
        - (int) Math.round((HEIGHT - TOP - BOTTOM) * (loss - low) / (high - low));
  }

  private void dot(int x, int y) {
    for (int dy = -2; dy <= 2; dy++) {
      line(x - 2, y + dy, x + 2, y + dy, RED);
    }
  }

  private void line(int x0, int y0, int x1, int y1, int colour) {
    int length = Math.max(1, Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)));
    for (int i = 0; i <= length; i++) {
      int x = x0 + Math.round((float) (x1 - x0) * i / length);
      int y = y0 + Math.round((float) (y1 - y0) * i / length);
      image.setRGB(Math.clamp(x, 0, WIDTH - 1), Math.clamp(y, 0, HEIGHT - 1), colour);
    }
  }
}
