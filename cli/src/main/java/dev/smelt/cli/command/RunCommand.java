package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.recipe.CheckReport;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.cli.recipe.RecipeParser;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.Step;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.cli.recipe.Steps;
import dev.smelt.io.CheckpointWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs the steps of a recipe one after the other, then its checks. */
@Command(
    name = "run",
    description = {
      "Run the steps of a recipe, then its checks; exit code 5 if a check fails.",
      "Paths in the recipe start at its directory, `output` at the working directory."
    })
public final class RunCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "RECIPE.yaml", description = "The recipe.")
  private Path recipe = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "Override a value: KEY is a key of the recipe, STEP.OPTION, steps.NUMBER.OPTION or"
              + " checks.NAME. Can be repeated.")
  private List<String> assignments = new ArrayList<>();

  @Option(names = "--force", description = "Replace an existing output directory.")
  private boolean force;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public RunCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    List<String> overrides = new ArrayList<>(assignments);
    compute.givenPrecision().ifPresent(given -> overrides.add("compute=" + given));
    compute.givenSeed().ifPresent(given -> overrides.add("seed=" + given));
    SequencedMap<String, Step> steps = Steps.byName();
    Recipe parsed = RecipeParser.read(recipe, overrides, steps);
    parsed.output().ifPresent(output -> CheckpointWriter.requireTarget(Path.of(output), force));
    RecipeRun run = new RecipeRun(parsed, console, force);
    for (StepSpec spec : parsed.steps()) {
      console.info("step " + spec.name() + ": " + String.join(" ", spec.arguments()));
      if (!run.isTaken(spec)) {
        steps.get(spec.name()).run(spec, run);
      }
    }
    if (!run.summary().isEmpty()) {
      console.result(run.summary().table().toString());
      console.result("");
    }
    parsed.output().ifPresent(output -> console.info("written: " + output));
    CheckReport report = CheckReport.of(parsed.checks(), run.values());
    if (!report.outcomes().isEmpty()) {
      console.result(report.table().toString());
    }
    report.require();
    return 0;
  }
}
