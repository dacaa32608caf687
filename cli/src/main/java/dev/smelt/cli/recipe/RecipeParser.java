package dev.smelt.cli.recipe;

import dev.smelt.cli.Suggestion;
import dev.smelt.cli.recipe.Node.Fields;
import dev.smelt.cli.recipe.Node.Items;
import dev.smelt.cli.recipe.Node.Scalar;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Reads a recipe, applies values from the command line, and reports every problem at once.
 *
 * <p>Relative paths in the file start at the directory of the file; those from the command line and
 * {@code output} start at the working directory.
 */
public final class RecipeParser {
  static final Fields EMPTY = new Fields(Node.COMMAND_LINE, new LinkedHashMap<>());

  private static final List<String> SETTINGS = List.of("length", "seed", "compute");
  private static final List<String> KEYS =
      List.of(
          "model", "output", "text", "validation", "length", "seed", "compute", "steps", "checks");

  private final SequencedMap<String, Step> known;
  private final String origin;
  private final RecipePaths paths;
  private final Set<String> problems = new LinkedHashSet<>();

  private RecipeParser(SequencedMap<String, Step> known, Path file) {
    this.known = known;
    this.origin = file.toString();
    this.paths = RecipePaths.of(file);
  }

  /**
   * Reads a recipe.
   *
   * @param file the YAML file
   * @param assignments values that win over the file, each {@code key=value}
   * @param steps the steps that a recipe may name
   * @throws SmeltException {@link Fault#USAGE} with all problems and their lines
   */
  public static Recipe read(Path file, List<String> assignments, SequencedMap<String, Step> steps) {
    Fields fields;
    try {
      fields = YamlReader.read(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new SmeltException(
          Fault.USAGE, file + ": cannot read the recipe", "Give the path of a YAML file.", e);
    }
    for (String assignment : assignments) {
      fields = Overrides.apply(fields, assignment);
    }
    return new RecipeParser(steps, file).parse(fields);
  }

  private Recipe parse(Fields fields) {
    refuseUnknown(fields, KEYS, "");
    Fields resolved = paths.resolve(fields, known);
    List<StepSpec> steps = steps(resolved);
    Optional<String> model = single(resolved, "model");
    if (model.isEmpty()) {
      problems.add(origin + ": `model` is missing");
    }
    Recipe recipe =
        new Recipe(
            model.orElse(""),
            single(resolved, "output"),
            values(resolved, "text"),
            values(resolved, "validation"),
            steps,
            checks(resolved, steps),
            YamlWriter.write(paths.withoutOutput(resolved)));
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.USAGE, List.copyOf(problems), "The README describes the format of a recipe.");
    }
    return recipe;
  }

  private List<StepSpec> steps(Fields fields) {
    List<StepSpec> steps = new ArrayList<>();
    Node node = fields.fields().getOrDefault("steps", EMPTY);
    if (!(node instanceof Items items) || items.items().isEmpty()) {
      problems.add(origin + ": `steps` must be a list with at least one step");
      return steps;
    }
    for (Node item : items.items()) {
      switch (item) {
        case Scalar name -> step(name.text(), EMPTY, name.line()).ifPresent(steps::add);
        case Fields one when one.fields().size() == 1 -> {
          Map.Entry<String, Node> entry = one.fields().firstEntry();
          int line = Math.max(one.line(), entry.getValue().line());
          step(entry.getKey(), entry.getValue(), line).ifPresent(steps::add);
        }
        default -> problems.add(where(item) + "a step must be one name with its options");
      }
    }
    return steps.stream().map(step -> withSettings(step, fields)).toList();
  }

  private Optional<StepSpec> step(String name, Node options, int line) {
    Step step = known.get(name);
    if (step == null) {
      problems.add(where(line) + unknown("step", name, known.keySet()));
      return Optional.empty();
    }
    boolean none = options instanceof Scalar scalar && scalar.text().isEmpty();
    if (!none && !(options instanceof Fields)) {
      problems.add(where(options) + "expected the options of step `" + name + "`");
      return Optional.empty();
    }
    Fields fields = options instanceof Fields given ? given : EMPTY;
    refuseUnknown(fields, step.options(), " in step `" + name + "`");
    SequencedMap<String, List<String>> values = new LinkedHashMap<>();
    for (String option : fields.fields().keySet()) {
      optionValues(fields, option).ifPresent(list -> values.put(option, list));
    }
    return Optional.of(new StepSpec(name, values, line));
  }

  /** The values of an option; an empty list is a flag, and a flag that is off is left out. */
  private Optional<List<String>> optionValues(Fields fields, String option) {
    boolean isSwitch = fields.fields().get(option) instanceof Scalar value && !value.isString();
    List<String> values = values(fields, option);
    if (isSwitch && values.equals(List.of("true"))) {
      return Optional.of(List.of());
    }
    return isSwitch && values.equals(List.of("false")) ? Optional.empty() : Optional.of(values);
  }

  private StepSpec withSettings(StepSpec spec, Fields fields) {
    StepSpec complete = spec;
    for (String setting : SETTINGS) {
      Optional<String> value = single(fields, setting);
      if (value.isPresent() && known.get(spec.name()).options().contains(setting)) {
        complete = complete.withDefault(setting, value.get());
      }
    }
    return complete;
  }

  private SequencedMap<String, Check> checks(Fields fields, List<StepSpec> steps) {
    SequencedMap<String, Check> checks = new LinkedHashMap<>();
    Node node = fields.fields().getOrDefault("checks", EMPTY);
    if (!(node instanceof Fields given)) {
      problems.add(where(node) + "`checks` must be a mapping such as `perplexity: <= 30`");
      return checks;
    }
    Set<String> measured = new LinkedHashSet<>();
    steps.forEach(step -> measured.addAll(known.get(step.name()).measures()));
    refuseUnknown(given, measured, " in `checks`");
    for (String name : given.fields().keySet()) {
      String text = single(given, name).orElse("");
      Check.parse(text)
          .ifPresentOrElse(
              check -> checks.put(name, check),
              () ->
                  problems.add(
                      where(given.fields().get(name))
                          + "check `%s`: expected a comparison such as `<= 5%%`, found `%s`"
                              .formatted(name, text)));
    }
    return checks;
  }

  private void refuseUnknown(Fields fields, Collection<String> names, String place) {
    fields
        .fields()
        .forEach(
            (key, value) -> {
              if (!names.contains(key)) {
                problems.add(where(value) + unknown("key", key, names) + place);
              }
            });
  }

  private static String unknown(String what, String word, Collection<String> names) {
    return "unknown %s `%s` (%s)".formatted(what, word, Suggestion.hint(word, names));
  }

  private Optional<String> single(Fields fields, String name) {
    List<String> values = values(fields, name);
    if (values.size() > 1) {
      problems.add(where(fields.fields().get(name)) + "`" + name + "` takes a single value");
    }
    return values.stream().findFirst();
  }

  private List<String> values(Fields fields, String name) {
    return switch (fields.fields().getOrDefault(name, EMPTY)) {
      case Scalar scalar -> scalar.text().isEmpty() ? List.of() : List.of(scalar.text());
      case Items items -> items.items().stream().flatMap(item -> text(item, name)).toList();
      case Fields mapping -> {
        if (!mapping.fields().isEmpty()) {
          problems.add(where(mapping) + "`" + name + "` must be a value or a list of values");
        }
        yield List.of();
      }
    };
  }

  private Stream<String> text(Node item, String name) {
    if (item instanceof Scalar scalar) {
      return Stream.of(scalar.text());
    }
    problems.add(where(item) + "`" + name + "` must be a list of plain values");
    return Stream.empty();
  }

  private String where(Node node) {
    return where(node.line());
  }

  private String where(int line) {
    return line == Node.COMMAND_LINE ? "--set: " : origin + " line " + line + ": ";
  }
}
