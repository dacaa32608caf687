package dev.smelt.cli.recipe;

import dev.smelt.cli.recipe.Node.Fields;
import dev.smelt.cli.recipe.Node.Items;
import dev.smelt.cli.recipe.Node.Scalar;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns the relative paths of a recipe into absolute ones.
 *
 * @param recipe the directory of the recipe file
 * @param working the working directory
 */
record RecipePaths(Path recipe, Path working) {
  private static final Set<String> TEXTS = Set.of("text", "validation");

  static RecipePaths of(Path file) {
    Path working = Path.of("").toAbsolutePath();
    Path absolute = file.toAbsolutePath().normalize();
    return new RecipePaths(absolute.getParent() == null ? working : absolute.getParent(), working);
  }

  /** The recipe with absolute paths, except for output and hub ids. */
  Fields resolve(Fields fields, Map<String, Step> steps) {
    Fields resolved = fields;
    for (Map.Entry<String, Node> field : fields.fields().entrySet()) {
      Node value = field.getValue();
      if (field.getKey().equals("model") && value instanceof Scalar model) {
        resolved = resolved.with("model", model(model));
      } else if (TEXTS.contains(field.getKey())) {
        resolved = resolved.with(field.getKey(), absolute(value));
      } else if (field.getKey().equals("steps") && value instanceof Items items) {
        List<Node> changed = items.items().stream().map(step -> step(step, steps)).toList();
        resolved = resolved.with("steps", new Items(items.line(), changed));
      }
    }
    return resolved;
  }

  /** What is written beside the output: a recipe does not say where its own copy lies. */
  Fields withoutOutput(Fields fields) {
    LinkedHashMap<String, Node> kept = new LinkedHashMap<>(fields.fields());
    kept.remove("output");
    return new Fields(fields.line(), kept);
  }

  private Node step(Node step, Map<String, Step> steps) {
    if (!(step instanceof Fields named) || named.fields().size() != 1) {
      return step;
    }
    Map.Entry<String, Node> entry = named.fields().firstEntry();
    if (!(entry.getValue() instanceof Fields options) || !steps.containsKey(entry.getKey())) {
      return step;
    }
    Fields resolved = options;
    for (String option : steps.get(entry.getKey()).pathOptions()) {
      if (options.fields().containsKey(option)) {
        resolved = resolved.with(option, absolute(options.fields().get(option)));
      }
    }
    return named.with(entry.getKey(), resolved);
  }

  /** A model is a directory if there is one; everything else may be an id in the hub cache. */
  private Scalar model(Scalar model) {
    boolean isPath =
        model.text().startsWith(".") || Files.isDirectory(base(model).resolve(model.text()));
    return isPath ? absolute(model) : model;
  }

  private Node absolute(Node node) {
    return switch (node) {
      case Scalar scalar -> absolute(scalar);
      case Items items ->
          new Items(items.line(), items.items().stream().map(this::absolute).toList());
      case Fields fields -> fields;
    };
  }

  private Scalar absolute(Scalar path) {
    boolean isHome = path.text().isEmpty() || path.text().startsWith("~");
    String resolved = isHome ? path.text() : base(path).resolve(path.text()).normalize().toString();
    return new Scalar(path.line(), resolved, true);
  }

  private Path base(Node node) {
    return node.line() == Node.COMMAND_LINE ? working : recipe;
  }
}
