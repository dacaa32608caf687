package dev.smelt.cli.recipe;

import dev.smelt.cli.console.Console;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/** What the steps of a running recipe hand on to each other. */
public final class RecipeRun {
  private final Recipe recipe;
  private final Console console;
  private final boolean force;
  private final SequencedMap<String, Double> values = new LinkedHashMap<>();
  private final RunSummary summary = new RunSummary();
  private final Set<StepSpec> taken = new HashSet<>();
  private String model;
  private Optional<Path> statistics = Optional.empty();

  /** A run that starts with the recipe's model. */
  public RecipeRun(Recipe recipe, Console console, boolean force) {
    this.recipe = recipe;
    this.console = console;
    this.force = force;
    this.model = recipe.model();
  }

  /** The recipe. */
  public Recipe recipe() {
    return recipe;
  }

  /** Where to print. */
  public Console console() {
    return console;
  }

  /** Whether an existing output directory may be replaced. */
  public boolean force() {
    return force;
  }

  /** The model argument of the next step: the recipe's, or what the last step wrote. */
  public String model() {
    return model;
  }

  /** Says that the following steps work on this model. */
  public void setModel(Path directory) {
    this.model = directory.toString();
    this.statistics = Optional.empty();
  }

  /** The routing statistics that an earlier step gathered of the present model. */
  public Optional<Path> statistics() {
    return statistics;
  }

  /** Says where the routing statistics of the present model are. */
  public void setStatistics(Path file) {
    this.statistics = Optional.of(file);
  }

  /**
   * The step that follows, if it has this name; it then counts as done.
   *
   * @param spec the present step
   * @param name of a step
   */
  public Optional<StepSpec> take(StepSpec spec, String name) {
    int next = recipe.steps().indexOf(spec) + 1;
    boolean follows = next < recipe.steps().size() && recipe.steps().get(next).name().equals(name);
    if (!follows) {
      return Optional.empty();
    }
    taken.add(recipe.steps().get(next));
    return Optional.of(recipe.steps().get(next));
  }

  /** Whether a step was done together with the one before it. */
  public boolean isTaken(StepSpec spec) {
    return taken.contains(spec);
  }

  /** What the run changed so far. */
  public RunSummary summary() {
    return summary;
  }

  /** Records a measured value, which replaces an earlier one of the same name. */
  public void measure(String name, double value) {
    values.put(name, value);
  }

  /** The values that were measured so far. */
  public SequencedMap<String, Double> values() {
    return Collections.unmodifiableSequencedMap(values);
  }
}
