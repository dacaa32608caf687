package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.compress.ExpertReport;
import dev.smelt.compress.MatrixReport;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.ModelCost;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * What a compression wrote.
 *
 * @param report as it stands in the output
 * @param written the output
 */
public record CompressionOutcome(CompressionReport report, WrittenCheckpoint written) {
  private static final int REMARKS = 5;

  /** Parameters, bytes and FLOPs before and after. */
  public Table costs() {
    return costs(report.before(), report.after());
  }

  static Table costs(ModelCost before, ModelCost after) {
    Table table = new Table("", "before", "after", "change");
    count(table, "expert parameters", before.expertParameters(), after.expertParameters());
    count(table, "parameters", before.parameters(), after.parameters());
    table.row(
        "weights",
        Units.bytes(before.bytes()),
        Units.bytes(after.bytes()),
        change(before.bytes(), after.bytes()));
    count(
        table,
        "FLOPs per token",
        Math.round(before.flopsPerToken()),
        Math.round(after.flopsPerToken()));
    return table;
  }

  private static void count(Table table, String name, long before, long after) {
    table.row(name, Units.shortCount(before), Units.shortCount(after), change(before, after));
  }

  private static String change(long before, long after) {
    return String.format(Locale.ROOT, "%+.1f %%", 100.0 * after / before - 100);
  }

  /** Mean errors of every layer. */
  public Table errors() {
    Table table = new Table("layer", "matrix", "rank", "weight error", "held-out output error");
    for (int layer : report.experts().stream().mapToInt(ExpertReport::layer).distinct().toArray()) {
      List<ExpertReport> experts =
          report.experts().stream().filter(e -> e.layer() == layer).toList();
      for (MatrixReport matrix : experts.getFirst().matrices()) {
        List<MatrixReport> all =
            experts.stream()
                .flatMap(e -> e.matrices().stream())
                .filter(m -> m.matrix().equals(matrix.matrix()))
                .toList();
        table.row(
            layer,
            matrix.matrix(),
            ranks(all),
            mean(all, MatrixReport::weightError),
            mean(all, MatrixReport::outputError));
      }
      if (experts.stream().anyMatch(expert -> expert.outputError().isPresent())) {
        table.row(layer, "expert", "", "", mean(experts, ExpertReport::outputError));
      }
    }
    return table;
  }

  private static String ranks(List<MatrixReport> all) {
    int low = all.stream().mapToInt(MatrixReport::rank).min().orElse(0);
    int high = all.stream().mapToInt(MatrixReport::rank).max().orElse(0);
    String first = low < 0 ? "whole" : String.valueOf(low);
    String last = high < 0 ? "whole" : String.valueOf(high);
    return low == high ? first : first + " to " + last;
  }

  private static <T> String mean(List<T> all, Function<T, Optional<Double>> value) {
    OptionalDouble mean =
        all.stream()
            .map(value)
            .flatMap(Optional::stream)
            .mapToDouble(Double::doubleValue)
            .average();
    return mean.isPresent() ? String.format(Locale.ROOT, "%.4f", mean.getAsDouble()) : "-";
  }

  /** What the method says of single experts. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    for (ExpertReport expert : report.experts()) {
      for (String remark : expert.remarks()) {
        remarks.add("layer %d, expert %d: %s".formatted(expert.layer(), expert.expert(), remark));
      }
    }
    int more = remarks.size() - REMARKS;
    if (more > 0) {
      remarks.subList(REMARKS, remarks.size()).clear();
      remarks.add("... and " + more + " more, see " + ReductionReport.FILE_NAME);
    }
    return remarks;
  }
}
