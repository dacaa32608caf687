package dev.smelt.cli.pipeline;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/** A command as the recipe that does the same. */
final class EffectiveRecipe {
  private EffectiveRecipe() {}

  static String of(MergeTask task) {
    StringJoiner lines = new StringJoiner("\n", "", "\n");
    lines.add("model: " + quoted(task.session().model().checkpoint().directory().toAbsolutePath()));
    lines.add("seed: " + task.session().seed());
    lines.add("compute: " + task.session().compute().code().toLowerCase(Locale.ROOT));
    if (task.statistics().isEmpty()) {
      lines.add("text:");
      task.calibration().text().forEach(text -> lines.add("  - " + quoted(text)));
    }
    lines.add("steps:");
    lines.add("  - merge:");
    lines.add("      method: " + task.method().name());
    for (Map.Entry<String, Object> option : MergeReport.named(task.options()).entrySet()) {
      lines.add("      " + option.getKey() + ": " + option.getValue());
    }
    Optional<String> statistics = task.statistics().map(file -> quoted(file.toAbsolutePath()));
    if (statistics.isPresent()) {
      lines.add("      statistics: " + statistics.get());
    } else {
      Calibration calibration = task.calibration();
      lines.add("      sequences: " + calibration.sequences());
      lines.add("      length: " + calibration.length());
      lines.add("      sample: " + calibration.sample());
    }
    return lines.toString();
  }

  /** A YAML string in single quotes. */
  private static String quoted(Object value) {
    return "'" + value.toString().replace("'", "''") + "'";
  }
}
