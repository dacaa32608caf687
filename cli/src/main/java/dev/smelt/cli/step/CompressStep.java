package dev.smelt.cli.step;

import dev.smelt.cli.command.CompressCommand;
import dev.smelt.cli.command.ReducingCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.pipeline.CompressionOutcome;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.RunSummary;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.model.ModelCost;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Compresses the experts of the present model and writes the recipe's output. Right after a merge,
 * both are done in one pass over the checkpoint.
 */
public final class CompressStep extends CommandStep {
  @Override
  public String name() {
    return "compress";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new CompressCommand(run.console());
  }

  @Override
  Object prototype() {
    return new CompressCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text");
  }

  @Override
  public Set<String> measures() {
    return Set.of("size_ratio", "expert_parameter_ratio", "flops_ratio");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    List<String> words = new ArrayList<>(List.of(run.model(), "-o", output(run)));
    if (run.force()) {
      words.add("--force");
    }
    words.addAll(texts(spec, run.recipe().text()));
    CompressCommand command = parsed(CompressCommand.class, spec, run, words);
    note(command.compress(Optional.of(run.recipe().yaml())), run);
  }

  /** Does a merge and this step in one pass. */
  static void runTogether(ReducingCommand merge, StepSpec spec, RecipeRun run) {
    CompressCommand command =
        parsed(
            CompressCommand.class, new CompressCommand(run.console()), spec, List.of(run.model()));
    note(merge.reduceAndCompress(command.request(), run.recipe().yaml()), run);
  }

  private static void note(CompressionOutcome outcome, RecipeRun run) {
    ModelCost before = outcome.report().before();
    ModelCost after = outcome.report().after();
    RunSummary summary = run.summary();
    for (ModelCost cost : List.of(before, after)) {
      double experts = cost.expertParameters();
      double bytes = cost.bytes();
      summary.note("expert parameters", experts, v -> Units.shortCount(v.longValue()));
      summary.note("size of the weights", bytes, v -> Units.bytes(v.longValue()));
      summary.note("FLOPs per token", cost.flopsPerToken(), v -> Units.shortCount(v.longValue()));
    }
    run.measure("size_ratio", (double) after.bytes() / before.bytes());
    run.measure(
        "expert_parameter_ratio", (double) after.expertParameters() / before.expertParameters());
    run.measure("flops_ratio", after.flopsPerToken() / before.flopsPerToken());
    run.setModel(outcome.written().directory());
  }
}
