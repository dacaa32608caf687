package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Routing statistics as a table with a row for each layer. */
public final class StatisticsTable {
  private static final int SHOWN = 3;

  private StatisticsTable() {}

  /** The table. */
  public static Table of(RoutingStatistics statistics) {
    Table table =
        new Table("layer", "experts", "entropy", "imbalance", "dead", "most used", "least used");
    for (LayerStatistics layer : statistics.layers()) {
      table.row(
          layer.layer(),
          layer.experts(),
          String.format(Locale.ROOT, "%.3f", layer.balance()),
          String.format(Locale.ROOT, "%.2f", layer.imbalance()),
          Units.percent((double) layer.dead() / layer.experts()),
          experts(layer, ranked(layer).limit(SHOWN).boxed().toList()),
          experts(
              layer, ranked(layer).skip(Math.max(0, layer.experts() - SHOWN)).boxed().toList()));
    }
    return table;
  }

  /** What the columns mean. */
  public static String legend() {
    return "entropy: 1 is balanced; imbalance: use of the most used expert, 1 is an equal share;"
        + " dead: experts without a token";
  }

  private static IntStream ranked(LayerStatistics layer) {
    double[] frequency = layer.frequency();
    return IntStream.range(0, layer.experts())
        .boxed()
        .sorted(Comparator.comparingDouble((Integer e) -> -frequency[e]))
        .mapToInt(Integer::intValue);
  }

  private static String experts(LayerStatistics layer, List<Integer> experts) {
    double[] frequency = layer.frequency();
    return experts.stream()
        .map(e -> e + " (" + Units.percent(frequency[e]) + ")")
        .collect(Collectors.joining(", "));
  }
}
