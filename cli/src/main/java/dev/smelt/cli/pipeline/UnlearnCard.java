package dev.smelt.cli.pipeline;

import dev.smelt.model.MoeModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** README.md of a model that has forgotten something. */
final class UnlearnCard {
  private UnlearnCard() {}

  static String of(MoeModel model, UnlearnReport report) {
    List<String> lines = new ArrayList<>(ModelCard.frontMatter(model, Optional.of("finetune")));
    lines.add("");
    lines.add("# " + report.model() + ", with a text unlearned");
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "Made from `%s` with [smelt] %s: %,d weights (%.2f %%) were trained with the loss"
                + " `%s`.",
            report.model(),
            report.smelt(),
            report.trainedParameters(),
            100 * report.trainedShare(),
            report.loss()));
    lines.add("Losses in nats per token, on sequences that were not trained on:");
    lines.add("");
    lines.add("| set | before | after |");
    lines.add("|---|---|---|");
    lines.add(row("forget", report.before().forget(), report.after().forget()));
    report
        .before()
        .retain()
        .ifPresent(
            before -> lines.add(row("retain", before, report.after().retain().orElseThrow())));
    lines.add("");
    lines.add(
        "`smelt-report.json` has the targets, the options and the course, `smelt-curves.csv` the"
            + " losses over time, `smelt-recipe.yaml` repeats the run. A higher loss does not prove"
            + " that knowledge is gone: `smelt forget-report` measures what can be brought back.");
    lines.add("");
    lines.add("[smelt]: a toolkit for surgery on Mixture-of-Experts checkpoints");
    return String.join("\n", lines) + "\n";
  }

  private static String row(String name, double before, double after) {
    return String.format(Locale.ROOT, "| %s | %.4f | %.4f |", name, before, after);
  }
}
