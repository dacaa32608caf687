package dev.smelt.cli.command;

import dev.smelt.cli.recovery.RecoveryMode;
import dev.smelt.io.SmeltException;
import dev.smelt.routing.recover.DistillationOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of the loss of an end-to-end distillation. */
public final class DistillationFlags {
  @Option(
      names = "--text-weight",
      order = 51,
      paramLabel = "W",
      description = "end-to-end: weight of the cross-entropy with the text. Default: 1.")
  private Optional<Double> text = Optional.empty();

  @Option(
      names = "--teacher-weight",
      order = 52,
      paramLabel = "W",
      description = "end-to-end: weight of the divergence from the teacher. Default: 0.2.")
  private Optional<Double> teacher = Optional.empty();

  @Option(
      names = "--hidden-weight",
      order = 53,
      paramLabel = "W",
      description =
          "end-to-end: weight of the relative distance from the teacher's hidden states. Default:"
              + " 0.")
  private Optional<Double> hidden = Optional.empty();

  @Option(
      names = "--temperature",
      order = 54,
      paramLabel = "T",
      description = "end-to-end: temperature of the divergence. Default: 2.")
  private Optional<Double> temperature = Optional.empty();

  @Option(
      names = "--likeliest",
      order = 55,
      paramLabel = "K",
      converter = PositiveInteger.class,
      description =
          "end-to-end: how many of the teacher's tokens are told apart at each position. Default:"
              + " 64.")
  private Optional<Integer> likeliest = Optional.empty();

  /** Insists that none is given in a mode that has no use for it. */
  void requireMode(RecoveryMode mode) {
    Map<String, Optional<?>> given = new LinkedHashMap<>();
    given.put("--text-weight", text);
    given.put("--teacher-weight", teacher);
    given.put("--hidden-weight", hidden);
    given.put("--temperature", temperature);
    given.put("--likeliest", likeliest);
    List<String> useless =
        given.entrySet().stream()
            .filter(entry -> mode == RecoveryMode.LAYERWISE && entry.getValue().isPresent())
            .map(Map.Entry::getKey)
            .toList();
    if (!useless.isEmpty()) {
      throw SmeltException.usage(
          "%s: only for --mode end-to-end".formatted(String.join(", ", useless)),
          "layerwise training compares hidden states and has no such weights");
    }
  }

  /** The loss. */
  DistillationOptions options() {
    double ofText = weight("--text-weight", text, 1);
    double ofTeacher = weight("--teacher-weight", teacher, 0.2);
    double ofHidden = weight("--hidden-weight", hidden, 0);
    double degrees = temperature.orElse(2.0);
    TrainingFlags.require("--temperature", degrees, degrees > 0, "above 0");
    if (ofText + ofTeacher + ofHidden == 0) {
      throw SmeltException.usage(
          "--text-weight, --teacher-weight and --hidden-weight are all 0",
          "one of them must be above 0");
    }
    return new DistillationOptions(ofText, ofTeacher, ofHidden, degrees, likeliest.orElse(64));
  }

  private static double weight(String option, Optional<Double> given, double otherwise) {
    double weight = given.orElse(otherwise);
    TrainingFlags.require(option, weight, weight >= 0 && Double.isFinite(weight), "of at least 0");
    return weight;
  }
}
