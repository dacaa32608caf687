package dev.smelt.cli.step;

import dev.smelt.cli.command.UnlearnCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.UnlearnOutcome;
import dev.smelt.cli.pipeline.UnlearnReport;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.StepSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Makes the present model forget a text and writes the recipe's output. */
public final class UnlearnStep extends CommandStep {
  @Override
  public String name() {
    return "unlearn";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new UnlearnCommand(run.console());
  }

  @Override
  Object prototype() {
    return new UnlearnCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("forget", "retain");
  }

  @Override
  public Set<String> measures() {
    return Set.of("forget_perplexity_ratio", "retain_perplexity_ratio", "trained_share");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    List<String> words = new ArrayList<>(List.of(run.model(), "-o", output(run)));
    if (run.force()) {
      words.add("--force");
    }
    UnlearnOutcome outcome =
        parsed(UnlearnCommand.class, spec, run, words).unlearn(Optional.of(run.recipe().yaml()));
    UnlearnReport report = outcome.report();
    note(run, "held-out forget loss", report.before().forget(), report.after().forget());
    run.measure(
        "forget_perplexity_ratio", Math.exp(report.after().forget() - report.before().forget()));
    report
        .before()
        .retain()
        .ifPresent(
            before -> {
              double after = report.after().retain().orElseThrow();
              note(run, "held-out retain loss", before, after);
              run.measure("retain_perplexity_ratio", Math.exp(after - before));
            });
    run.measure("trained_share", report.trainedShare());
    run.setModel(outcome.written().directory());
    outcome.requireReached();
  }

  private static void note(RecipeRun run, String name, double before, double after) {
    run.summary().note(name, before, v -> String.format(Locale.ROOT, "%.4f", v));
    run.summary().note(name, after, v -> String.format(Locale.ROOT, "%.4f", v));
  }
}
