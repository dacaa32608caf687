package dev.smelt.cli.recipe;

import dev.smelt.cli.console.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Function;

/** What a run changed: the first and the last value of each quantity that its steps noted. */
public final class RunSummary {
  private final SequencedMap<String, Quantity> quantities = new LinkedHashMap<>();

  /** The values of a quantity and how they are shown. */
  private record Quantity(List<Double> values, Function<Double, String> format) {
    double increase() {
      return values.getLast() / values.getFirst() - 1;
    }
  }

  /**
   * Notes a value.
   *
   * @param name of the quantity
   * @param value now
   * @param format how values of the quantity are shown
   */
  public void note(String name, double value, Function<Double, String> format) {
    quantities.computeIfAbsent(name, n -> new Quantity(new ArrayList<>(), format));
    quantities.get(name).values().add(value);
  }

  /** The last value of a quantity relative to the first one, less one. */
  public double increase(String name) {
    return quantities.get(name).increase();
  }

  /** Whether there is nothing to show. */
  public boolean isEmpty() {
    return quantities.isEmpty();
  }

  /** A row for each quantity; those with one value have no change. */
  public Table table() {
    Table table = new Table("", "before", "after", "change");
    quantities.forEach(
        (name, quantity) -> {
          String first = quantity.format().apply(quantity.values().getFirst());
          String last = quantity.format().apply(quantity.values().getLast());
          boolean changed = quantity.values().size() > 1;
          table.row(
              name,
              first,
              changed ? last : "-",
              changed ? String.format(Locale.ROOT, "%+.1f %%", 100 * quantity.increase()) : "-");
        });
    return table;
  }
}
