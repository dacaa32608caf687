package dev.smelt.cli.step;

import dev.smelt.cli.command.ForgetReportCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.ForgetReport;
import dev.smelt.cli.pipeline.ForgetReportTable;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.StepSpec;
import java.util.List;
import java.util.Set;

/** Compares the recipe's model with the present one, and prints what was forgotten. */
public final class ForgetReportStep extends CommandStep {
  @Override
  public String name() {
    return "forget-report";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new ForgetReportCommand(run.console());
  }

  @Override
  Object prototype() {
    return new ForgetReportCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of(
        "forget",
        "retain",
        "holdout",
        "reference",
        "tofu-forget",
        "tofu-retain",
        "tofu-authors",
        "tofu-facts");
  }

  @Override
  public Set<String> measures() {
    return Set.of("forget_loss", "retain_loss", "forced_forget_loss");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    List<String> words = List.of(run.recipe().model(), run.model());
    ForgetReport report = parsed(ForgetReportCommand.class, spec, run, words).report();
    run.console().result(ForgetReportTable.of(report).toString());
    ForgetReportTable.remarks(report).forEach(run.console()::info);
    run.measure("forget_loss", report.forget().after().loss());
    run.measure("retain_loss", report.retain().after().loss());
    run.measure("forced_forget_loss", report.forget().forcedLoss());
  }
}
