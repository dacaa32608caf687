package dev.smelt.cli.step;

import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.Step;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;

/** A step that is a command: its options are the command's, less those that the run decides. */
abstract class CommandStep implements Step {
  private static final Set<String> DECIDED_BY_RUN =
      Set.of("output", "force", "quiet", "verbose", "json", "dry-run", "threads", "help");

  /** A command object to read options from. */
  abstract Object newCommand(RecipeRun run);

  /** The same for the names of the options only. */
  abstract Object prototype();

  @Override
  public Set<String> options() {
    Set<String> options = new LinkedHashSet<>(Step.optionsOf(prototype()));
    options.removeAll(DECIDED_BY_RUN);
    return options;
  }

  /** The command with the step's options and the given words parsed into it. */
  <C> C parsed(Class<C> type, StepSpec spec, RecipeRun run, List<String> words) {
    return parsed(type, newCommand(run), spec, words);
  }

  /** A command with the step's options and the given words parsed into it. */
  static <C> C parsed(Class<C> type, Object command, StepSpec spec, List<String> words) {
    List<String> arguments = new ArrayList<>(words);
    arguments.addAll(spec.arguments());
    new CommandLine(command)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .parseArgs(arguments.toArray(String[]::new));
    return type.cast(command);
  }

  /** The words {@code --text=...} for texts of the recipe, unless the step names its own. */
  static List<String> texts(StepSpec spec, List<String> texts) {
    return spec.options().containsKey("text")
        ? List.of()
        : texts.stream().map(text -> "--text=" + text).toList();
  }

  /** The directory that the recipe names for its output. */
  static String output(RecipeRun run) {
    return run.recipe()
        .output()
        .orElseThrow(
            () ->
                SmeltException.usage(
                    "the recipe has a step that writes a model, but no `output`",
                    "add `output: DIRECTORY`, or --set output=DIRECTORY"));
  }
}
