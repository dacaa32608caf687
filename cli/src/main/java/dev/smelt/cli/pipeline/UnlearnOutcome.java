package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WrittenCheckpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What unlearning wrote.
 *
 * @param report as it stands in the output
 * @param written the output
 */
public record UnlearnOutcome(UnlearnReport report, WrittenCheckpoint written) {
  /** Losses and perplexities on held-out sequences, before and after. */
  public Table table() {
    Table table = new Table("held out", "before", "after", "change");
    add(table, "forget", report.before().forget(), report.after().forget());
    report
        .before()
        .retain()
        .ifPresent(before -> add(table, "retain", before, report.after().retain().orElseThrow()));
    return table;
  }

  private static void add(Table table, String name, double before, double after) {
    table.row(name + " loss", text(before, 4), text(after, 4), signed(after - before));
    table.row(
        name + " perplexity",
        text(Math.exp(before), 3),
        text(Math.exp(after), 3),
        text(Math.exp(after - before), 3) + "x");
  }

  private static String text(double value, int digits) {
    return value < 1e7
        ? String.format(Locale.ROOT, "%." + digits + "f", value)
        : String.format(Locale.ROOT, "%.2e", value);
  }

  private static String signed(double value) {
    return String.format(Locale.ROOT, "%+.4f", value);
  }

  /** What was trained, and how it ended. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    String targets =
        report.targets().stream()
            .map(t -> t.layer() + ":" + t.expert())
            .collect(Collectors.joining(", "));
    remarks.add(
        String.format(
            Locale.ROOT,
            "trained: %s (%s, %.2f %% of all weights); target %s",
            report.training().train(),
            Units.shortCount(report.trainedParameters()),
            100 * report.trainedShare(),
            targets));
    remarks.add(
        "ended: %s; weights of step %d are kept".formatted(report.outcome(), report.bestStep()));
    remarks.add("written: " + written.directory());
    return remarks;
  }

  /**
   * Does nothing if the stop rule was met.
   *
   * @throws SmeltException {@link Fault#CHECK} that says how far it came
   */
  public void requireReached() {
    if (!report.outcome().equals("reached")) {
      throw new SmeltException(
          Fault.CHECK,
          String.format(
              Locale.ROOT,
              "the stop rule %s was not met (%s after %d steps): the best is step %d, forget loss"
                  + " %.4f to %.4f%s",
              report.training().stop(),
              report.outcome(),
              report.checks().getLast().step(),
              report.bestStep(),
              report.before().forget(),
              report.after().forget(),
              retain()),
          "%s has the best weights within the rule; more --steps, another --lr, --loss or --stop"
                  .formatted(written.directory())
              + " may reach it");
    }
  }

  private String retain() {
    return report
        .before()
        .retain()
        .map(
            before ->
                String.format(
                    Locale.ROOT,
                    ", retain loss %.4f to %.4f",
                    before,
                    report.after().retain().orElseThrow()))
        .orElse("");
  }
}
