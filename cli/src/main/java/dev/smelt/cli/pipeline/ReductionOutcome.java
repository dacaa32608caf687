package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.routing.repair.LayerRepair;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * What a reduction wrote.
 *
 * @param report as it stands in the output
 * @param written the output
 * @param seconds wall time by stage
 */
public record ReductionOutcome(
    ReductionReport report, WrittenCheckpoint written, SequencedMap<String, Double> seconds) {

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

  /** What the user should know about single layers. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    for (ReductionReport.LayerReport layer : report.layers()) {
      layer
          .repaired()
          .ifPresent(
              repair -> {
                repair.heldOut().ifPresent(errors -> remarks.add(errors(repair, errors)));
                if (!repair.scarce().isEmpty() || !repair.unrouted().isEmpty()) {
                  remarks.add(
                      "warning: layer %d: experts %s have fewer calibration tokens than neurons, experts %s none; give more text"
                          .formatted(layer.layer(), repair.scarce(), repair.unrouted()));
                }
              });
    }
    return remarks;
  }

  private static String errors(LayerRepair repair, LayerRepair.HeldOut heldOut) {
    String errors =
        String.format(
            Locale.ROOT,
            "layer %d: relative output error on held-out tokens %.4f -> %.4f",
            repair.layer(),
            heldOut.before(),
            heldOut.after());
    return repair
        .divergence()
        .map(
            d ->
                String.format(
                    Locale.ROOT,
                    "%s; its fit took the divergence of the predicted tokens from %.4f to %.4f"
                        + " nats",
                    errors,
                    d.before(),
                    d.after()))
        .orElse(errors);
  }

  private static String change(long before, long after) {
    return String.format(Locale.ROOT, "%+.1f %%", 100.0 * after / before - 100);
  }
}
