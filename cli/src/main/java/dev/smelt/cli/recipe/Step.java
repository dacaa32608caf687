package dev.smelt.cli.recipe;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * One kind of step that a recipe can name. Every step is listed in {@link Steps}.
 *
 * <p>A step's options are those of the command of the same name.
 */
public interface Step {
  /** The name in the recipe, equal to the name of the command. */
  String name();

  /** The options it takes, without dashes, in the order of the help text. */
  Set<String> options();

  /** Those of its options whose values are paths; relative ones start at the recipe file. */
  Set<String> pathOptions();

  /** The names of the values that it measures and that checks can refer to. */
  Set<String> measures();

  /**
   * Does the work.
   *
   * @param spec the options; {@link StepSpec#arguments} can be given to the command's parser
   * @param run what earlier steps left, and where this one leaves its results
   */
  void run(StepSpec spec, RecipeRun run);

  /** The long options of a picocli command, without dashes, for {@link #options}. */
  static Set<String> optionsOf(Object command) {
    Set<String> names = new LinkedHashSet<>();
    for (OptionSpec option : new CommandLine(command).getCommandSpec().options()) {
      List.of(option.names()).stream()
          .filter(name -> name.startsWith("--") && !option.usageHelp())
          .forEach(name -> names.add(name.substring(2)));
    }
    return names;
  }
}
