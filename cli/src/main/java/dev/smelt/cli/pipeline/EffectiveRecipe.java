package dev.smelt.cli.pipeline;

import dev.smelt.merge.ReducePlan;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/** A command as the recipe that does the same. */
final class EffectiveRecipe {
  private EffectiveRecipe() {}

  static String of(ReductionTask task, ReducePlan plan) {
    StringJoiner lines = new StringJoiner("\n", "", "\n");
    lines.add("model: " + quoted(task.session().model().checkpoint().directory().toAbsolutePath()));
    lines.add("seed: " + task.session().seed());
    lines.add("compute: " + task.session().compute().code().toLowerCase(Locale.ROOT));
    if (!task.calibration().text().isEmpty()) {
      lines.add("text:");
      task.calibration()
          .text()
          .forEach(text -> lines.add("  - " + quoted(Path.of(text).toAbsolutePath())));
    }
    lines.add("steps:");
    lines.add("  - " + plan.command() + ":");
    if (plan.command().equals("merge")) {
      lines.add("      method: " + plan.method());
    }
    for (Map.Entry<String, Object> option : plan.options().entrySet()) {
      lines.add("      " + option.getKey() + ": " + option.getValue());
    }
    lines.add("      repair: " + task.repair().option());
    task.form().chosen().forEach((name, value) -> lines.add("      " + name + ": " + value));
    Optional<String> statistics = task.statistics().map(file -> quoted(file.toAbsolutePath()));
    statistics.ifPresent(file -> lines.add("      statistics: " + file));
    if (!task.calibration().text().isEmpty()) {
      Calibration calibration = task.calibration();
      lines.add("      sequences: " + calibration.sequences());
      lines.add("      length: " + calibration.length());
      lines.add("      sample: " + calibration.sample());
      if (calibration.pack()) {
        lines.add("      pack: true");
      }
    }
    return lines.toString();
  }

  /** A YAML string in single quotes. */
  private static String quoted(Object value) {
    return "'" + value.toString().replace("'", "''") + "'";
  }
}
