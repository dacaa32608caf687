package dev.smelt.cli.chart;

import java.util.Locale;

/** Draws as SVG. */
public final class SvgCanvas implements Canvas {
  private final StringBuilder elements = new StringBuilder();
  private final int width;
  private final int height;

  /** An empty canvas. */
  public SvgCanvas(int width, int height) {
    this.width = width;
    this.height = height;
  }

  @Override
  public void line(double x1, double y1, double x2, double y2, double width, String colour) {
    add(
        String.format(
            Locale.ROOT,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\""
                + " stroke-width=\"%.1f\"/>",
            x1,
            y1,
            x2,
            y2,
            colour,
            width));
  }

  @Override
  public void dot(double x, double y, double radius, String colour) {
    add(
        String.format(
            Locale.ROOT,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>",
            x,
            y,
            radius,
            colour));
  }

  @Override
  public void ring(double x, double y, double radius, double width, String colour) {
    add(
        String.format(
            Locale.ROOT,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"none\" stroke=\"%s\""
                + " stroke-width=\"%.1f\"/>",
            x,
            y,
            radius,
            colour,
            width));
  }

  @Override
  public void text(double x, double y, int size, Anchor anchor, String colour, String text) {
    String escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    add(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>",
            x,
            y,
            size,
            anchor.name().toLowerCase(Locale.ROOT),
            colour,
            escaped));
  }

  private void add(String element) {
    elements.append("  ").append(element).append('\n');
  }

  /** The document. */
  public String text() {
    return """
    <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif">
      <rect width="100%%" height="100%%" fill="white"/>
    %s</svg>
    """
        .formatted(width, height, elements);
  }
}
