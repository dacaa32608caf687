package dev.smelt.cli.recovery;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.routing.repair.LayerRepair;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a recovery wrote.
 *
 * @param report as it stands in the output
 * @param written the output
 */
public record RecoveryOutcome(RecoveryReport report, WrittenCheckpoint written) {
  /** Held-out losses before and after; a row for each training. */
  public Table table() {
    Table table = new Table("trained", "steps", "tokens", "best step", "before", "after", "change");
    for (RecoveryReport.Training training : report.training()) {
      table.row(
          training.layer().map(this::name).orElse("all layers"),
          training.steps(),
          Units.count(training.tokens()),
          training.bestStep(),
          loss(training.heldOutBefore()),
          loss(training.heldOutAfter()),
          String.format(
              Locale.ROOT,
              "%+.1f %%",
              100 * (training.heldOutAfter() / Math.max(1e-300, training.heldOutBefore()) - 1)));
    }
    return table;
  }

  /** The last layer learns what is predicted, the others what the teacher's layer answers. */
  private String name(int layer) {
    boolean predicts =
        report.layers().stream().anyMatch(l -> l.layer() == layer && l.divergence().isPresent());
    return "layer " + layer + (predicts ? ", predictions" : "");
  }

  /** By what part the held-out loss fell, as a mean over trainings. */
  public double improvement() {
    return report.training().stream()
        .mapToDouble(t -> 1 - t.heldOutAfter() / Math.max(1e-300, t.heldOutBefore()))
        .average()
        .orElse(0);
  }

  private static String loss(double loss) {
    return String.format(Locale.ROOT, "%.4f", loss);
  }

  /** What the user should know. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    report
        .pruning()
        .ifPresent(
            p ->
                remarks.add(
                    "kept neurons: %s of %s are left"
                        .formatted(Units.count(p.neuronsAfter()), Units.count(p.neuronsBefore()))));
    for (RecoveryReport.Training training : report.training()) {
      String name = training.layer().map(layer -> "layer " + layer + ": ").orElse("");
      if (training.stop().equals("early")) {
        remarks.add(
            name + "stopped after step " + training.steps() + ", the held-out loss fell no more");
      }
      if (training.bestStep() == 0) {
        remarks.add("warning: " + name + "no step lowered the held-out loss");
      }
    }
    for (LayerRepair layer : report.layers()) {
      if (!layer.scarce().isEmpty() || !layer.unrouted().isEmpty()) {
        remarks.add(
            "warning: layer %d: experts %s have fewer tokens than neurons, experts %s none; give more text"
                .formatted(layer.layer(), layer.scarce(), layer.unrouted()));
      }
    }
    return remarks;
  }
}
