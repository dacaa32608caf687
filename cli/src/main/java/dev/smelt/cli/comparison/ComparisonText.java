package dev.smelt.cli.comparison;

import dev.smelt.cli.comparison.ComparisonReport.Result;
import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** A comparison as people read it. */
public record ComparisonText(ComparisonReport report) {
  /** A row for each result; best first within a ratio. A star marks the Pareto front. */
  public Table table() {
    Table table =
        new Table(
            "fewer",
            "method",
            "experts",
            "loss",
            "perplexity",
            "change",
            "weights",
            "gates",
            "time",
            "front");
    List<Result> front = report.front();
    row(table, report.original(), front);
    List<Result> ordered = new ArrayList<>(report.results());
    ordered.sort(Comparator.comparingDouble(Result::ratio).thenComparingDouble(Result::loss));
    double last = 0;
    for (Result result : ordered) {
      if (result.ratio() != last) {
        table.rule();
        last = result.ratio();
      }
      row(table, result, front);
    }
    return table;
  }

  private void row(Table table, Result result, List<Result> front) {
    boolean source = isSource(result);
    table.row(
        source ? "-" : Units.percent(result.ratio()),
        result.method(),
        result.experts(),
        number("%.4f", result.loss()),
        number("%.3f", result.perplexity()),
        source ? "-" : change(result),
        Units.bytes(result.bytes()),
        Units.percent(result.keptGateMass()),
        source ? "-" : time(result.seconds()),
        front.contains(result) ? "*" : "");
  }

  private boolean isSource(Result result) {
    return result.equals(report.original());
  }

  /** The table and what its columns mean. */
  String text() {
    return table() + "\n\n" + String.join("\n", remarks()) + "\n";
  }

  /** What the columns mean. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    remarks.add("change: of the perplexity, against the original");
    remarks.add("gates: share of the original gate values that went to the experts that are left");
    remarks.add(
        "time: reducing and writing; the calibration that all methods share took %s more"
            .formatted(time(report.calibrationSeconds())));
    remarks.add("front: no other model here is smaller and as good, or as small and better");
    report
        .failures()
        .forEach(
            f ->
                remarks.add(
                    "not possible: %s, %s: %s".formatted(percent(f), f.method(), f.reason())));
    return remarks;
  }

  private static String percent(ComparisonReport.Failure failure) {
    return Units.percent(failure.ratio()) + " fewer";
  }

  /** One line about a result. */
  String line(Result result) {
    String measured =
        "loss %s, perplexity %s"
            .formatted(number("%.4f", result.loss()), number("%.3f", result.perplexity()));
    if (isSource(result)) {
      return "original: " + measured;
    }
    return "%s fewer, %s: %d experts, %s (%s), %s, %s"
        .formatted(
            Units.percent(result.ratio()),
            result.method(),
            result.experts(),
            measured,
            change(result),
            Units.bytes(result.bytes()),
            time(result.seconds()));
  }

  private String change(Result result) {
    return number("%+.1f %%", 100 * (result.perplexity() / report.original().perplexity() - 1));
  }

  private static String time(double seconds) {
    return Units.duration(Duration.ofMillis(Math.round(1000 * seconds)));
  }

  private static String number(String form, double value) {
    return String.format(Locale.ROOT, form, value);
  }
}
