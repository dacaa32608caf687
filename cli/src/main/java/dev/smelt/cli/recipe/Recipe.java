package dev.smelt.cli.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * A recipe that was read, completed from the command line and validated.
 *
 * @param model the model argument: a directory or an id in the hub cache
 * @param output the directory to write; empty if no step writes a model
 * @param text calibration text, as for {@code --text}
 * @param validation text to evaluate on, as for {@code --text}
 * @param steps what to do, in order; top-level {@code length}, {@code seed} and {@code compute} are
 *     options of every step that takes them and does not set them itself
 * @param checks thresholds by the name of the measured value
 * @param yaml the effective recipe as YAML, with absolute paths and without {@code output}: what a
 *     run writes as {@value #FILE_NAME}, byte for byte the same wherever the output goes
 */
public record Recipe(
    String model,
    Optional<String> output,
    List<String> text,
    List<String> validation,
    List<StepSpec> steps,
    SequencedMap<String, Check> checks,
    String yaml) {
  /** The name of the effective recipe in the output directory. */
  public static final String FILE_NAME = "smelt-recipe.yaml";

  /** Copies lists and checks. */
  public Recipe {
    text = List.copyOf(text);
    validation = List.copyOf(validation);
    steps = List.copyOf(steps);
    checks = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(checks));
  }
}
