package dev.smelt.cli.comparison;

import dev.smelt.cli.chart.Canvas;
import dev.smelt.cli.chart.Canvas.Anchor;
import dev.smelt.cli.chart.PngCanvas;
import dev.smelt.cli.chart.SvgCanvas;
import dev.smelt.cli.chart.Ticks;
import dev.smelt.cli.comparison.ComparisonReport.Result;
import java.util.Comparator;
import java.util.List;

/** Size against perplexity: a line for each method, and rings around what is worth having. */
final class ParetoChart {
  private static final int WIDTH = 960;
  private static final int HEIGHT = 600;
  private static final int LEFT = 90;
  private static final int RIGHT = 690;
  private static final int TOP = 64;
  private static final int BOTTOM = 530;
  private static final int LETTERS = 15;
  private static final int LINE = 26;
  private static final String DARK = "#222222";
  private static final String GREY = "#999999";
  private static final String LIGHT = "#e4e4e4";
  private static final List<String> COLOURS =
      List.of(
          "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf",
          "#bcbd22", "#7f7f7f", "#004c6d", "#a05d00");

  private final ComparisonReport report;
  private final List<String> methods;
  private final double minBytes;
  private final double maxBytes;
  private final double minLoss;
  private final double maxLoss;

  ParetoChart(ComparisonReport report) {
    this.report = report;
    methods = report.results().stream().map(Result::method).distinct().toList();
    List<Result> all = report.measured();
    double smallest = all.stream().mapToDouble(Result::bytes).min().orElseThrow();
    double largest = all.stream().mapToDouble(Result::bytes).max().orElseThrow();
    double best = all.stream().mapToDouble(Result::loss).min().orElseThrow();
    double worst = all.stream().mapToDouble(Result::loss).max().orElseThrow();
    double width = Math.max(largest - smallest, 0.05 * largest);
    double height = Math.max(worst - best, 0.05);
    minBytes = smallest - 0.06 * width;
    maxBytes = largest + 0.06 * width;
    minLoss = best - 0.06 * height;
    maxLoss = worst + 0.06 * height;
  }

  String svg() {
    SvgCanvas canvas = new SvgCanvas(WIDTH, HEIGHT);
    draw(canvas);
    return canvas.text();
  }

  byte[] png() {
    PngCanvas canvas = new PngCanvas(WIDTH, HEIGHT);
    draw(canvas);
    return canvas.bytes();
  }

  private void draw(Canvas canvas) {
    canvas.text(
        LEFT, 30, 18, Anchor.START, DARK, "%s with fewer experts".formatted(report.model()));
    axes(canvas);
    methods.forEach(method -> method(canvas, method));
    canvas.dot(x(report.original()), y(report.original()), 6, DARK);
    report.front().forEach(result -> canvas.ring(x(result), y(result), 9, 1.6, DARK));
    legend(canvas);
  }

  private void axes(Canvas canvas) {
    boolean large = maxBytes >= 1e9;
    double unit = large ? 1e9 : 1e6;
    for (Ticks.Tick tick : Ticks.linear(minBytes / unit, maxBytes / unit, 6)) {
      double at = x(tick.value() * unit);
      canvas.line(at, TOP, at, BOTTOM, 1, LIGHT);
      canvas.text(at, BOTTOM + 22, LETTERS, Anchor.MIDDLE, DARK, tick.label());
    }
    for (Ticks.Tick tick : Ticks.logarithmic(Math.exp(minLoss), Math.exp(maxLoss), 6)) {
      double at = y(Math.log(tick.value()));
      canvas.line(LEFT, at, RIGHT, at, 1, LIGHT);
      canvas.text(LEFT - 10, at + 5, LETTERS, Anchor.END, DARK, tick.label());
    }
    canvas.line(LEFT, BOTTOM, RIGHT, BOTTOM, 1.5, DARK);
    canvas.line(LEFT, TOP, LEFT, BOTTOM, 1.5, DARK);
    double middle = (LEFT + RIGHT) / 2.0;
    String size = large ? "weights, GB" : "weights, MB";
    canvas.text(middle, BOTTOM + 52, LETTERS, Anchor.MIDDLE, DARK, size);
    canvas.text(16, TOP - 12, LETTERS, Anchor.START, DARK, "perplexity");
  }

  /** From the source through all sizes. */
  private void method(Canvas canvas, String method) {
    Result last = report.original();
    for (Result result : of(method)) {
      canvas.line(x(last), y(last), x(result), y(result), 1.2, colour(method));
      canvas.dot(x(result), y(result), 5, colour(method));
      last = result;
    }
  }

  /** The results of a method, largest first. */
  private List<Result> of(String method) {
    return report.results().stream()
        .filter(result -> result.method().equals(method))
        .sorted(Comparator.comparingLong(Result::bytes).reversed())
        .toList();
  }

  /** In the order in which the lines end at the left. */
  private void legend(Canvas canvas) {
    int y = TOP + 16;
    List<String> ordered =
        methods.stream()
            .sorted(Comparator.comparingDouble((String m) -> -of(m).getLast().loss()))
            .toList();
    for (String method : ordered) {
      canvas.line(RIGHT + 18, y - 5, RIGHT + 42, y - 5, 1.2, colour(method));
      canvas.dot(RIGHT + 30, y - 5, 5, colour(method));
      canvas.text(RIGHT + 52, y, LETTERS, Anchor.START, DARK, method);
      y += LINE;
    }
    canvas.dot(RIGHT + 30, y - 5, 6, DARK);
    canvas.text(RIGHT + 52, y, LETTERS, Anchor.START, DARK, "original");
    y += LINE;
    canvas.ring(RIGHT + 30, y - 5, 9, 1.6, DARK);
    canvas.text(RIGHT + 52, y, LETTERS, Anchor.START, DARK, "Pareto front:");
    canvas.text(RIGHT + 52, y + 20, 13, Anchor.START, GREY, "nothing smaller");
    canvas.text(RIGHT + 52, y + 38, 13, Anchor.START, GREY, "is as good");
  }

  private String colour(String method) {
    return COLOURS.get(methods.indexOf(method) % COLOURS.size());
  }

  private double x(Result result) {
    return x((double) result.bytes());
  }

  private double y(Result result) {
    return y(result.loss());
  }

  private double x(double bytes) {
    return LEFT + (bytes - minBytes) / (maxBytes - minBytes) * (RIGHT - LEFT);
  }

  private double y(double loss) {
    return BOTTOM - (loss - minLoss) / (maxLoss - minLoss) * (BOTTOM - TOP);
  }
}
