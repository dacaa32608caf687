package dev.smelt.cli.chart;

/**
 * What a chart is drawn on. Coordinates and lengths are in pixels from the top left corner; colours
 * are written like {@code #1f77b4}.
 */
public interface Canvas {
  /** Where the position of a text is. */
  enum Anchor {
    /** At its left end. */
    START,
    /** In its middle. */
    MIDDLE,
    /** At its right end. */
    END
  }

  /** A straight line. */
  void line(double x1, double y1, double x2, double y2, double width, String colour);

  /** A filled circle. */
  void dot(double x, double y, double radius, String colour);

  /** The outline of a circle. */
  void ring(double x, double y, double radius, double width, String colour);

  /**
   * A text.
   *
   * @param x of its anchor
   * @param y of its baseline
   * @param size of the letters
   */
  void text(double x, double y, int size, Anchor anchor, String colour, String text);
}
