package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Units;
import dev.smelt.model.MoeModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/** README.md of the output, with the front matter that the Hugging Face Hub reads. */
final class ModelCard {
  static final String FILE_NAME = "README.md";

  /** Fields of the source's card that stay true of what was made of it. */
  private static final List<String> INHERITED =
      List.of("license", "license_name", "license_link", "language");

  private ModelCard() {}

  static String of(MoeModel model, ReductionReport report) {
    String source = report.model();
    SequencedMap<String, Object> options = new LinkedHashMap<>(report.options());
    options.put("calibration tokens", Units.count(report.statistics().tokens()));
    return of(
        model,
        Optional.of("merge"),
        source + ", " + report.expertsAfter() + " experts per layer",
        List.of(
            "Made from `%s` with [smelt] %s: the %d experts of every layer were reduced to %d with the"
                .formatted(source, report.smelt(), report.expertsBefore(), report.expertsAfter()),
            "method `%s` (%s). %s"
                .formatted(
                    report.method(),
                    report.command(),
                    weights(report.bytesBefore(), report.bytesAfter()))),
        options);
  }

  static String of(MoeModel model, CompressionReport report) {
    SequencedMap<String, Object> options = new LinkedHashMap<>(report.options());
    report.calibration().ifPresent(c -> options.put("calibration tokens", Units.count(c.tokens())));
    List<String> text = new ArrayList<>();
    text.add(
        "Made from `%s` with [smelt] %s: its experts were compressed with the"
            .formatted(report.model(), report.smelt()));
    text.add(
        "method `%s`. %s"
            .formatted(report.method(), weights(report.before().bytes(), report.after().bytes())));
    if (report.form().equals("compact")) {
      text.add("");
      text.add("The experts are in compact form: load with `trust_remote_code=True`.");
    }
    return of(model, Optional.empty(), report.model() + ", compressed", text, options);
  }

  private static String weights(long before, long after) {
    return String.format(
        Locale.ROOT,
        "Weights: %s before, %s after (%+.1f %%).",
        Units.bytes(before),
        Units.bytes(after),
        100.0 * after / before - 100);
  }

  private static String of(
      MoeModel model,
      Optional<String> relation,
      String title,
      List<String> text,
      SequencedMap<String, Object> options) {
    List<String> lines = new ArrayList<>(frontMatter(model, relation));
    lines.add("");
    lines.add("# " + title);
    lines.add("");
    lines.addAll(text);
    lines.add("");
    lines.add("| option | value |");
    lines.add("|---|---|");
    options.forEach((name, value) -> lines.add("| " + name + " | " + value + " |"));
    lines.add("");
    lines.add(
        "`smelt-report.json` has the plan and the measurements, `smelt-recipe.yaml` repeats the"
            + " run.");
    lines.add("");
    lines.add("[smelt]: a toolkit for surgery on Mixture-of-Experts checkpoints");
    return String.join("\n", lines) + "\n";
  }

  /** The fields that the Hub reads; {@code relation} is one of its words for a changed model. */
  static List<String> frontMatter(MoeModel model, Optional<String> relation) {
    List<String> lines = new ArrayList<>();
    lines.add("---");
    lines.add("library_name: transformers");
    lines.add("pipeline_tag: text-generation");
    baseModel(model.checkpoint().directory())
        .ifPresent(
            id -> {
              lines.add("base_model: " + id);
              relation.ifPresent(word -> lines.add("base_model_relation: " + word));
            });
    lines.addAll(inherited(model.checkpoint().directory().resolve(FILE_NAME)));
    lines.add("tags:");
    lines.add("  - mixture-of-experts");
    lines.add("  - smelt");
    lines.add("---");
    return lines;
  }

  /** The Hub id of a snapshot in the local hub cache: models--owner--name/snapshots/revision. */
  private static Optional<String> baseModel(Path directory) {
    Path snapshots = directory.toAbsolutePath().getParent();
    if (snapshots == null
        || snapshots.getParent() == null
        || !snapshots.endsWith(Path.of("snapshots"))) {
      return Optional.empty();
    }
    String[] parts = String.valueOf(snapshots.getParent().getFileName()).split("--");
    return parts.length == 3 && parts[0].equals("models")
        ? Optional.of(parts[1] + "/" + parts[2])
        : Optional.empty();
  }

  /** Lines of simple fields in the front matter of a card; none if there is no such card. */
  private static List<String> inherited(Path card) {
    List<String> kept = new ArrayList<>();
    try {
      List<String> lines =
          Files.exists(card) ? Files.readAllLines(card, StandardCharsets.UTF_8) : List.of();
      if (lines.isEmpty() || !lines.getFirst().equals("---")) {
        return kept;
      }
      boolean inField = false;
      for (String line : lines.subList(1, lines.size())) {
        if (line.equals("---")) {
          break;
        }
        boolean starts = INHERITED.stream().anyMatch(field -> line.startsWith(field + ":"));
        boolean continues = line.startsWith(" ") || line.startsWith("-");
        inField = starts || (inField && continues);
        if (inField) {
          kept.add(line);
        }
      }
    } catch (IOException e) {
      // A card that cannot be read has nothing to pass on; the weights do not depend on it.
      return List.of();
    }
    return kept;
  }
}
