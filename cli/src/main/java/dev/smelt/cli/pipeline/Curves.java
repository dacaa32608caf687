package dev.smelt.cli.pipeline;

import dev.smelt.cli.chart.LinePlot;
import dev.smelt.unlearn.training.Check;
import dev.smelt.unlearn.training.Terms;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The losses over time, as a table for programs and as a picture. */
final class Curves {
  /** The name of the table in the output directory. */
  static final String CSV = "smelt-curves.csv";

  /** The name of the picture in the output directory. */
  static final String PNG = "smelt-curves.png";

  private Curves() {}

  /** A line for each check; what there is not is left empty. */
  static String csv(List<Check> checks) {
    StringBuilder lines = new StringBuilder();
    lines.append("step,forget_loss,retain_loss,objective,forget_term,retain_term,anchor_term\n");
    for (Check check : checks) {
      Terms terms = check.training();
      lines.append(
          String.format(
              Locale.ROOT,
              "%d,%.6f,%s,%s%n",
              check.step(),
              check.heldOut().forget(),
              check.heldOut().retain().map(r -> String.format(Locale.ROOT, "%.6f", r)).orElse(""),
              check.step() == 0
                  ? ",,,"
                  : String.format(
                      Locale.ROOT,
                      "%.6f,%.6f,%.6f,%.6f",
                      terms.objective(),
                      terms.forget(),
                      terms.retain(),
                      terms.anchor())));
    }
    return lines.toString();
  }

  /** Both losses over the steps. */
  static byte[] png(List<Check> checks) {
    List<LinePlot.Series> series = new ArrayList<>();
    double[] steps = checks.stream().mapToDouble(Check::step).toArray();
    series.add(
        new LinePlot.Series(
            "forget loss",
            steps,
            checks.stream().mapToDouble(c -> c.heldOut().forget()).toArray()));
    if (checks.getFirst().heldOut().retain().isPresent()) {
      series.add(
          new LinePlot.Series(
              "retain loss",
              steps,
              checks.stream().mapToDouble(c -> c.heldOut().retain().orElseThrow()).toArray()));
    }
    return LinePlot.png("step", series);
  }
}
