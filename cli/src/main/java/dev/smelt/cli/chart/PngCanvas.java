package dev.smelt.cli.chart;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/**
 * Draws as PNG, with twice as many pixels as coordinates. Letters are lines ({@link
 * StrokeLetters}): no fonts need to be installed, and the bytes are the same everywhere.
 */
public final class PngCanvas implements Canvas {
  private static final int SCALE = 2;

  private final BufferedImage image;
  private final Graphics2D graphics;

  /** An empty canvas. */
  public PngCanvas(int width, int height) {
    System.setProperty("java.awt.headless", "true");
    image = new BufferedImage(SCALE * width, SCALE * height, BufferedImage.TYPE_INT_RGB);
    graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, SCALE * width, SCALE * height);
    graphics.scale(SCALE, SCALE);
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
  }

  @Override
  public void line(double x1, double y1, double x2, double y2, double width, String colour) {
    draw(new Line2D.Double(x1, y1, x2, y2), width, colour);
  }

  @Override
  public void dot(double x, double y, double radius, String colour) {
    graphics.setColor(Color.decode(colour));
    graphics.fill(circle(x, y, radius));
  }

  @Override
  public void ring(double x, double y, double radius, double width, String colour) {
    draw(circle(x, y, radius), width, colour);
  }

  private static Shape circle(double x, double y, double radius) {
    return new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
  }

  @Override
  public void text(double x, double y, int size, Anchor anchor, String colour, String text) {
    double width = StrokeLetters.width(text, size);
    double shift =
        switch (anchor) {
          case START -> 0;
          case MIDDLE -> width / 2;
          case END -> width;
        };
    draw(StrokeLetters.path(text, x - shift, y, size), StrokeLetters.weight(size), colour);
  }

  private void draw(Shape shape, double width, String colour) {
    graphics.setColor(Color.decode(colour));
    graphics.setStroke(
        new BasicStroke((float) width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    graphics.draw(shape);
  }

  /** The picture so far. */
  public byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.setUseCache(false);
    try {
      if (!ImageIO.write(image, "png", bytes)) {
        throw new IllegalStateException("this Java has no PNG writer");
      }
    } catch (IOException e) {
      throw new SmeltException(Fault.BUG, "a picture: " + e.getMessage(), "", e);
    }
    return bytes.toByteArray();
  }
}
