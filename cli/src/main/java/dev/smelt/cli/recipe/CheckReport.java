package dev.smelt.cli.recipe;

import dev.smelt.cli.console.Table;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * The outcome of the checks of a recipe.
 *
 * @param outcomes one for each check, in the order of the recipe
 */
public record CheckReport(List<Outcome> outcomes) {
  /**
   * The outcome of one check.
   *
   * @param name what was measured
   * @param check the threshold
   * @param value the measured value; empty if no step measured it, which fails
   */
  public record Outcome(String name, Check check, OptionalDouble value) {
    /** Whether the value is there and within the threshold. */
    public boolean passed() {
      return value.isPresent() && check.accepts(value.getAsDouble());
    }

    private String shown() {
      return value.isPresent() ? check.format(value.getAsDouble()) : "not measured";
    }
  }

  /** Compares measured values with the thresholds. */
  public static CheckReport of(SequencedMap<String, Check> checks, Map<String, Double> values) {
    List<Outcome> outcomes = new ArrayList<>();
    checks.forEach(
        (name, check) -> {
          OptionalDouble value =
              values.containsKey(name)
                  ? OptionalDouble.of(values.get(name))
                  : OptionalDouble.empty();
          outcomes.add(new Outcome(name, check, value));
        });
    return new CheckReport(List.copyOf(outcomes));
  }

  /** The checks that failed. */
  public List<Outcome> failed() {
    return outcomes.stream().filter(outcome -> !outcome.passed()).toList();
  }

  /** A table with a line for each check. */
  public Table table() {
    Table table = new Table("check", "expected", "measured", "result");
    for (Outcome outcome : outcomes) {
      String result = outcome.passed() ? "passed" : "FAILED";
      table.row(outcome.name(), outcome.check(), outcome.shown(), result);
    }
    return table;
  }

  /**
   * Does nothing if all passed.
   *
   * @throws SmeltException {@link Fault#CHECK} that names those that failed
   */
  public void require() {
    List<String> problems =
        failed().stream()
            .map(
                o -> "check %s: expected %s, measured %s".formatted(o.name(), o.check(), o.shown()))
            .toList();
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECK, problems, "The output is complete; only its quality is not as asked for.");
    }
  }
}
