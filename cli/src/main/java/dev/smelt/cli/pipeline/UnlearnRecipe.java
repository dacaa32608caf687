package dev.smelt.cli.pipeline;

import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.RepresentationLoss;
import dev.smelt.unlearn.training.TrainOptions;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/** An unlearning command as the recipe that does the same. */
final class UnlearnRecipe {
  private UnlearnRecipe() {}

  static String of(UnlearnTask task, UnlearnReport report) {
    UnlearnTask.Request request = task.request();
    TrainOptions options = request.options();
    StringJoiner lines = new StringJoiner("\n", "", "\n");
    lines.add(
        "model: "
            + EffectiveRecipe.quoted(
                task.session().model().checkpoint().directory().toAbsolutePath()));
    lines.add("seed: " + task.session().seed());
    lines.add("compute: " + task.session().compute().code().toLowerCase(Locale.ROOT));
    lines.add("steps:");
    lines.add("  - unlearn:");
    texts(lines, "forget", request.texts().forget());
    texts(lines, "retain", request.texts().retain());
    option(lines, "sequences", request.texts().sequences());
    option(lines, "length", request.texts().length());
    if (request.texts().pack()) {
      option(lines, "pack", true);
    }
    option(
        lines,
        "target",
        EffectiveRecipe.quoted(
            report.targets().stream()
                .map(t -> t.layer() + ":" + t.expert())
                .collect(Collectors.joining(","))));
    option(lines, "train", request.scale().option());
    option(lines, "loss", options.loss().name());
    constants(lines, options);
    option(lines, "anchor", options.anchor());
    option(lines, "lr", options.rate());
    option(lines, "steps", options.steps());
    option(lines, "batch", options.batch());
    option(lines, "clip", options.clip());
    option(lines, "stop", EffectiveRecipe.quoted(request.rule()));
    option(lines, "check-every", options.checkEvery());
    return lines.toString();
  }

  private static void constants(StringJoiner lines, TrainOptions options) {
    LossConstants constants = options.constants();
    option(lines, "forget-weight", constants.forgetWeight());
    if (options.loss().usesRetain()) {
      option(lines, "retain-weight", constants.retainWeight());
      if (!(options.loss() instanceof RepresentationLoss)) {
        option(lines, "retain-loss", options.retainTerm().option());
      }
    }
    if (options.loss().defaults().beta() > 0) {
      option(lines, "beta", constants.beta());
    }
    if (options.loss().name().equals("simnpo")) {
      option(lines, "delta", constants.delta());
    }
    if (options.loss() instanceof RepresentationLoss) {
      option(lines, "steering", constants.steering());
    }
  }

  private static void texts(StringJoiner lines, String name, List<String> texts) {
    if (!texts.isEmpty()) {
      lines.add("      " + name + ":");
      texts.forEach(text -> lines.add("        - " + EffectiveRecipe.quotedPath(text)));
    }
  }

  private static void option(StringJoiner lines, String name, Object value) {
    lines.add("      " + name + ": " + value);
  }
}
