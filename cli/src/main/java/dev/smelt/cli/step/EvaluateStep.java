package dev.smelt.cli.step;

import dev.smelt.cli.command.EvaluateCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.EvaluationResult;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.StepSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Measures loss and perplexity of the present model on the validation text.
 *
 * <p>The first evaluation of a recipe is the one that later ones are compared with.
 */
public final class EvaluateStep extends CommandStep {
  @Override
  public String name() {
    return "evaluate";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new EvaluateCommand(run.console());
  }

  @Override
  Object prototype() {
    return new EvaluateCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text");
  }

  @Override
  public Set<String> measures() {
    return Set.of("loss", "loss_increase", "perplexity", "perplexity_increase");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    List<String> words = new ArrayList<>(List.of(run.model()));
    words.addAll(texts(spec, run.recipe().validation()));
    EvaluationResult result = parsed(EvaluateCommand.class, spec, run, words).evaluate();
    run.summary().note("loss", result.loss(), v -> String.format(Locale.ROOT, "%.4f", v));
    run.summary()
        .note("perplexity", result.perplexity(), v -> String.format(Locale.ROOT, "%.3f", v));
    run.measure("loss", result.loss());
    run.measure("perplexity", result.perplexity());
    run.measure("loss_increase", run.summary().increase("loss"));
    run.measure("perplexity_increase", run.summary().increase("perplexity"));
  }
}
