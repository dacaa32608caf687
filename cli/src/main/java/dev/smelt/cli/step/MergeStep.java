package dev.smelt.cli.step;

import dev.smelt.cli.command.MergeCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.pipeline.MergeOutcome;
import dev.smelt.cli.pipeline.MergeReport;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.RunSummary;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Merges the experts of the present model and writes the recipe's output. */
public final class MergeStep extends CommandStep {
  @Override
  public String name() {
    return "merge";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new MergeCommand(run.console());
  }

  @Override
  Object prototype() {
    return new MergeCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text", "statistics");
  }

  @Override
  public Set<String> measures() {
    return Set.of("size_ratio");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    MergeCommand command = parsed(MergeCommand.class, spec, run, words(spec, run));
    MergeOutcome outcome = command.merge(Optional.of(run.recipe().yaml()));
    MergeReport report = outcome.report();
    RunSummary summary = run.summary();
    summary.note("experts per layer", report.expertsBefore(), v -> Units.count(v.longValue()));
    summary.note("experts per layer", report.expertsAfter(), v -> Units.count(v.longValue()));
    summary.note(
        "size of the weights", (double) report.bytesBefore(), v -> Units.bytes(v.longValue()));
    summary.note(
        "size of the weights", (double) report.bytesAfter(), v -> Units.bytes(v.longValue()));
    run.measure("size_ratio", (double) report.bytesAfter() / report.bytesBefore());
    run.setModel(outcome.written().directory());
  }

  private static List<String> words(StepSpec spec, RecipeRun run) {
    String output =
        run.recipe()
            .output()
            .orElseThrow(
                () ->
                    SmeltException.usage(
                        "the recipe has a step that writes a model, but no `output`",
                        "add `output: DIRECTORY`, or --set output=DIRECTORY"));
    List<String> words = new ArrayList<>(List.of(run.model(), "-o", output));
    if (run.force()) {
      words.add("--force");
    }
    if (!spec.options().containsKey("statistics")) {
      words.addAll(
          run.statistics()
              .map(file -> List.of("--statistics=" + file))
              .orElseGet(() -> texts(spec, run.recipe().text())));
    }
    return words;
  }
}
