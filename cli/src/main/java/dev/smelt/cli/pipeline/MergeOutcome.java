package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.io.WrittenCheckpoint;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * What a merge wrote.
 *
 * @param report as it stands in the output
 * @param written the output
 * @param seconds wall time by stage
 */
public record MergeOutcome(
    MergeReport report, WrittenCheckpoint written, SequencedMap<String, Double> seconds) {

  /** Experts and bytes before and after. */
  public Table table() {
    Table table = new Table("", "before", "after", "change");
    table.row(
        "experts per layer",
        report.expertsBefore(),
        report.expertsAfter(),
        change(report.expertsBefore(), report.expertsAfter()));
    table.row(
        "weights",
        Units.bytes(report.bytesBefore()),
        Units.bytes(report.bytesAfter()),
        change(report.bytesBefore(), report.bytesAfter()));
    return table;
  }

  private static String change(long before, long after) {
    return String.format(Locale.ROOT, "%+.1f %%", 100.0 * after / before - 100);
  }
}
