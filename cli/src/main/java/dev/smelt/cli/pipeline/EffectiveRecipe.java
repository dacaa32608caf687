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
    Optional<Calibration> calibration =
        Optional.of(task.calibration()).filter(c -> !c.text().isEmpty());
    StringJoiner lines = head(task.session(), calibration);
    lines.add("  - " + plan.command() + ":");
    if (plan.command().equals("merge")) {
      lines.add("      method: " + plan.method());
    }
    addOptions(lines, plan.options());
    task.planOn().ifPresent(how -> lines.add("      plan-on: " + how));
    lines.add("      repair: " + task.repair().option());
    task.form().chosen().forEach((name, value) -> lines.add("      " + name + ": " + value));
    Optional<String> statistics = task.statistics().map(file -> quoted(file.toAbsolutePath()));
    statistics.ifPresent(file -> lines.add("      statistics: " + file));
    calibration.ifPresent(
        c -> {
          addOptions(lines, c.named());
          lines.add("      sample: " + c.sample());
        });
    return lines.toString();
  }

  static String of(CompressionTask task) {
    StringJoiner lines = head(task.session(), task.calibration());
    lines.add("  - compress:");
    lines.add("      method: " + task.request().method().name());
    addOptions(lines, task.request().named());
    task.calibration().ifPresent(c -> addOptions(lines, c.named()));
    return lines.toString();
  }

  private static StringJoiner head(Session session, Optional<Calibration> calibration) {
    StringJoiner lines = new StringJoiner("\n", "", "\n");
    lines.add("model: " + quoted(session.model().checkpoint().directory().toAbsolutePath()));
    lines.add("seed: " + session.seed());
    lines.add("compute: " + session.compute().code().toLowerCase(Locale.ROOT));
    calibration.ifPresent(
        c -> {
          lines.add("text:");
          c.text().forEach(text -> lines.add("  - " + quotedPath(text)));
        });
    lines.add("steps:");
    return lines;
  }

  private static void addOptions(StringJoiner lines, Map<String, Object> options) {
    options.forEach((name, value) -> lines.add("      " + name + ": " + value));
  }

  /** A YAML string in single quotes. */
  static String quoted(Object value) {
    return "'" + value.toString().replace("'", "''") + "'";
  }

  /** The argument of an option for texts, with an absolute path. */
  static String quotedPath(String text) {
    return quoted(Path.of(text).toAbsolutePath());
  }
}
