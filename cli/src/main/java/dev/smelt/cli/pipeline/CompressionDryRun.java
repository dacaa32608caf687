package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.model.ModelCost;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.MatrixForm;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.ToIntFunction;

/**
 * What a compression would do and need, without doing it.
 *
 * @param forms how the experts of every layer would be stored
 * @param before cost of the source
 * @param after cost of the output
 * @param needs memory, disk and time
 */
record CompressionDryRun(List<CompactForm> forms, ModelCost before, ModelCost after, Needs needs) {
  /** The form of every matrix of every layer. */
  Table plan() {
    Table table = new Table("layer", "experts", "matrix", "size", "rank", "kept neurons");
    for (CompactForm form : forms) {
      for (MatrixForm first : form.experts().getFirst().matrices().values()) {
        List<MatrixForm> all =
            form.experts().stream().map(expert -> expert.get(first.part())).toList();
        table.row(
            form.layer(),
            form.experts().size(),
            first.part().name().toLowerCase(Locale.ROOT),
            first.rows() + " x " + first.columns(),
            range(all, MatrixForm::rank),
            range(all, MatrixForm::kept));
      }
    }
    return table;
  }

  private static String range(List<MatrixForm> all, ToIntFunction<MatrixForm> of) {
    int low = all.stream().mapToInt(of).min().orElse(0);
    int high = all.stream().mapToInt(of).max().orElse(0);
    return low == high ? word(low) : word(low) + " to " + word(high);
  }

  private static String word(int number) {
    return number == MatrixForm.WHOLE ? "whole" : String.valueOf(number);
  }

  /** Parameters, bytes and FLOPs before and after. */
  Table costs() {
    return CompressionOutcome.costs(before, after);
  }

  /** Memory, disk and time. */
  Table needed() {
    Table table = new Table("needs", "");
    table.row("memory", "about " + Units.bytes(needs.memoryBytes()));
    table.row("disk", Units.bytes(needs.diskBytes()));
    if (needs.temporaryBytes() > 0) {
      table.row("temporary file", Units.bytes(needs.temporaryBytes()));
    }
    table.row("time", "about " + Units.duration(Duration.ofMillis(needs.milliseconds())));
    return table;
  }
}
