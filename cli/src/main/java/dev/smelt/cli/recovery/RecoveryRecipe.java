package dev.smelt.cli.recovery;

import dev.smelt.cli.pipeline.Calibration;
import dev.smelt.cli.pipeline.Session;
import java.nio.file.Path;
import java.util.Locale;
import java.util.StringJoiner;

/** A recovery as the recipe that does the same. */
final class RecoveryRecipe {
  private RecoveryRecipe() {}

  static String of(Recovery recovery) {
    Session session = recovery.session();
    RecoveryRequest request = recovery.request();
    Calibration text = request.text();
    StringJoiner lines = new StringJoiner("\n", "", "\n");
    lines.add("model: " + quoted(session.model().checkpoint().directory().toAbsolutePath()));
    lines.add("seed: " + session.seed());
    lines.add("compute: " + session.compute().code().toLowerCase(Locale.ROOT));
    lines.add("text:");
    text.text().forEach(file -> lines.add("  - " + quoted(Path.of(file).toAbsolutePath())));
    lines.add("steps:");
    lines.add("  - recover:");
    Path teacher = recovery.teacher().checkpoint().directory().toAbsolutePath();
    lines.add("      teacher: " + quoted(teacher));
    request
        .options()
        .forEach(
            (name, value) -> {
              if (!Boolean.FALSE.equals(value)) {
                lines.add("      " + name + ": " + value);
              }
            });
    text.named().forEach((name, value) -> lines.add("      " + name + ": " + value));
    if (!request.heldOut().isEmpty()) {
      lines.add("      held-out:");
      request
          .heldOut()
          .forEach(file -> lines.add("        - " + quoted(Path.of(file).toAbsolutePath())));
    }
    return lines.toString();
  }

  /** A YAML string in single quotes. */
  private static String quoted(Object value) {
    return "'" + value.toString().replace("'", "''") + "'";
  }
}
