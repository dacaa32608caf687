package dev.smelt.cli.recipe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A step as the recipe gives it.
 *
 * @param name the name of the step, which is that of a command
 * @param options values by option, named like the long options of the command without dashes; a
 *     flag that is set has no value, one that is not set is absent
 * @param line the line in the recipe
 */
public record StepSpec(String name, SequencedMap<String, List<String>> options, int line) {
  /** Copies the options. */
  public StepSpec {
    options = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(options));
  }

  /** The same step with an option added, unless it is there. */
  StepSpec withDefault(String option, String value) {
    SequencedMap<String, List<String>> extended = new LinkedHashMap<>(options);
    extended.putIfAbsent(option, List.of(value));
    return new StepSpec(name, extended, line);
  }

  /** The options as the words of a command line, such as {@code --experts=8 --dry-run}. */
  public List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    options.forEach(
        (option, values) -> {
          values.forEach(value -> arguments.add("--" + option + "=" + value));
          if (values.isEmpty()) {
            arguments.add("--" + option);
          }
        });
    return arguments;
  }
}
