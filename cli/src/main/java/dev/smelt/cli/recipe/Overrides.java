package dev.smelt.cli.recipe;

import dev.smelt.cli.recipe.Node.Fields;
import dev.smelt.cli.recipe.Node.Items;
import dev.smelt.cli.recipe.Node.Scalar;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Values from the command line that win over those in the recipe.
 *
 * <p>{@code seed=3} sets a field, {@code merge.experts=4} an option of the step named merge, {@code
 * steps.2.experts=4} an option of the second step, and {@code checks.perplexity=<= 20} a check.
 */
final class Overrides {
  private Overrides() {}

  /** The recipe with one more value, given as {@code key=value}. */
  static Fields apply(Fields recipe, String assignment) {
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw SmeltException.usage(
          "--set " + assignment + ": expected key=value", "For example --set merge.experts=4");
    }
    List<String> path = List.of(assignment.substring(0, equals).strip().split("\\.", -1));
    Scalar value = YamlReader.scalar(assignment.substring(equals + 1).strip());
    return switch (path.size()) {
      case 1 -> recipe.with(path.getFirst(), value);
      case 2 -> inSection(recipe, path, value, assignment);
      default -> inStep(recipe, stepNumber(path, assignment), path.getLast(), value, assignment);
    };
  }

  private static Fields inSection(
      Fields recipe, List<String> path, Scalar value, String assignment) {
    String section = path.getFirst();
    if (section.equals("checks")) {
      Node checks = recipe.fields().get("checks");
      Fields before = checks instanceof Fields fields ? fields : RecipeParser.EMPTY;
      return recipe.with("checks", before.with(path.getLast(), value));
    }
    List<Integer> matches =
        IntStream.range(0, steps(recipe).size())
            .filter(index -> name(steps(recipe).get(index)).equals(section))
            .boxed()
            .toList();
    if (matches.size() != 1) {
      throw SmeltException.usage(
          "--set %s: there are %d steps named `%s`".formatted(assignment, matches.size(), section),
          "Name a step by its number, as in --set steps.1." + path.getLast() + "=…");
    }
    return inStep(recipe, matches.getFirst(), path.getLast(), value, assignment);
  }

  private static int stepNumber(List<String> path, String assignment) {
    boolean isStep =
        path.size() == 3 && path.getFirst().equals("steps") && path.get(1).matches("[1-9]\\d{0,3}");
    if (!isStep) {
      throw SmeltException.usage(
          "--set " + assignment + ": this names nothing in a recipe",
          "Keys are KEY, STEP.OPTION, steps.NUMBER.OPTION or checks.NAME.");
    }
    return Integer.parseInt(path.get(1)) - 1;
  }

  private static Fields inStep(
      Fields recipe, int index, String option, Scalar value, String assignment) {
    List<Node> steps = new ArrayList<>(steps(recipe));
    if (index >= steps.size()) {
      throw SmeltException.usage(
          "--set %s: the recipe has %d steps".formatted(assignment, steps.size()), "");
    }
    String name = name(steps.get(index));
    Fields options =
        steps.get(index) instanceof Fields step && step.fields().get(name) instanceof Fields given
            ? given
            : RecipeParser.EMPTY;
    steps.set(index, RecipeParser.EMPTY.with(name, options.with(option, value)));
    int line = recipe.fields().get("steps").line();
    return recipe.with("steps", new Items(line, steps));
  }

  private static List<Node> steps(Fields recipe) {
    return recipe.fields().get("steps") instanceof Items items ? items.items() : List.of();
  }

  /** The name of a step: its only key, or the step itself if it has no options. */
  private static String name(Node step) {
    return switch (step) {
      case Scalar scalar -> scalar.text();
      case Fields fields when !fields.fields().isEmpty() -> fields.fields().firstEntry().getKey();
      default -> "";
    };
  }
}
