package dev.smelt.cli.step;

import dev.smelt.cli.command.DropCommand;
import dev.smelt.cli.command.MergeCommand;
import dev.smelt.cli.command.ReducingCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.pipeline.ReductionOutcome;
import dev.smelt.cli.pipeline.ReductionReport;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.RunSummary;
import dev.smelt.cli.recipe.StepSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reduces the experts of the present model and writes the recipe's output. */
public final class ReducingStep extends CommandStep {
  private final String name;
  private final Function<Console, ReducingCommand> create;

  private ReducingStep(String name, Function<Console, ReducingCommand> create) {
    this.name = name;
    this.create = create;
  }

  /** The step {@code merge}. */
  public static ReducingStep merge() {
    return new ReducingStep("merge", MergeCommand::new);
  }

  /** The step {@code drop}. */
  public static ReducingStep drop() {
    return new ReducingStep("drop", DropCommand::new);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  Object newCommand(RecipeRun run) {
    return create.apply(run.console());
  }

  @Override
  Object prototype() {
    return create.apply(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text", "statistics", "resume");
  }

  @Override
  public Set<String> measures() {
    return Set.of("size_ratio");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    ReducingCommand command = parsed(ReducingCommand.class, spec, run, words(spec, run));
    Optional<StepSpec> compress =
        name.equals("merge") ? run.take(spec, "compress") : Optional.empty();
    if (compress.isPresent()) {
      CompressStep.runTogether(command, compress.get(), run);
      return;
    }
    ReductionOutcome outcome = command.reduce(Optional.of(run.recipe().yaml()));
    ReductionReport report = outcome.report();
    note(run.summary(), report);
    run.measure("size_ratio", (double) report.bytesAfter() / report.bytesBefore());
    run.setModel(outcome.written().directory());
  }

  private static void note(RunSummary summary, ReductionReport report) {
    summary.note("experts per layer", report.expertsBefore(), v -> Units.count(v.longValue()));
    summary.note("experts per layer", report.expertsAfter(), v -> Units.count(v.longValue()));
    double before = report.bytesBefore();
    double after = report.bytesAfter();
    summary.note("size of the weights", before, v -> Units.bytes(v.longValue()));
    summary.note("size of the weights", after, v -> Units.bytes(v.longValue()));
  }

  /** Statistics of an earlier step are used as they are; the text is for calibration or repair. */
  private static List<String> words(StepSpec spec, RecipeRun run) {
    List<String> words = new ArrayList<>(List.of(run.model(), "-o", output(run)));
    if (run.force()) {
      words.add("--force");
    }
    boolean given = spec.options().containsKey("statistics");
    boolean gathersOwn =
        spec.options().getOrDefault("plan-on", List.of()).equals(List.of("reduced"));
    if (!given && !gathersOwn) {
      run.statistics().ifPresent(file -> words.add("--statistics=" + file));
    }
    boolean repairs = !spec.options().getOrDefault("repair", List.of()).equals(List.of("none"));
    if (repairs || gathersOwn || (!given && run.statistics().isEmpty())) {
      words.addAll(texts(spec, run.recipe().text()));
    }
    return words;
  }
}
