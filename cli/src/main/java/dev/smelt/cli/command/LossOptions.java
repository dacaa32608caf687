package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.ForgetTexts;
import dev.smelt.cli.pipeline.UnlearnTask;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.attribution.Selection;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.RepresentationLoss;
import dev.smelt.unlearn.loss.RetainTerm;
import dev.smelt.unlearn.loss.UnlearnLoss;
import dev.smelt.unlearn.loss.UnlearnLosses;
import dev.smelt.unlearn.training.Scale;
import dev.smelt.unlearn.training.StopRule;
import dev.smelt.unlearn.training.TrainOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say what is minimised. */
public final class LossOptions {
  @Option(
      names = "--loss",
      order = 20,
      paramLabel = "NAME",
      defaultValue = "gdiff",
      description =
          "What is minimised: ga, gdiff, npo, simnpo, rmu or rmu-adaptive. Default:"
              + " ${DEFAULT-VALUE}.")
  private String loss = "";

  @Option(
      names = "--retain-loss",
      order = 21,
      paramLabel = "NAME",
      converter = KebabCase.ToRetainTerm.class,
      description =
          "Retain term of gdiff, npo and simnpo: nll, or kl to the untouched model. Default: nll.")
  private Optional<RetainTerm> retainTerm = Optional.empty();

  @Option(
      names = "--anchor",
      order = 22,
      paramLabel = "A",
      description =
          "Factor on the router anchor; 0 for none. Default: 1, and 0 with --train layer or all.")
  private Optional<Double> anchor = Optional.empty();

  @Option(
      names = "--forget-weight",
      order = 23,
      paramLabel = "W",
      description = "Factor on the forget term. Default: 1.")
  private Optional<Double> forgetWeight = Optional.empty();

  @Option(
      names = "--retain-weight",
      order = 24,
      paramLabel = "W",
      description = "Factor on the retain term. Default: 1, and 100 for rmu and rmu-adaptive.")
  private Optional<Double> retainWeight = Optional.empty();

  @Option(
      names = "--beta",
      order = 25,
      paramLabel = "B",
      description = "Inverse temperature. Default: 0.1 for npo, 2.5 for simnpo.")
  private Optional<Double> beta = Optional.empty();

  @Option(
      names = "--delta",
      order = 26,
      paramLabel = "D",
      description = "Margin of simnpo, in nats per token. Default: 0.")
  private Optional<Double> delta = Optional.empty();

  @Option(
      names = "--steering",
      order = 27,
      paramLabel = "C",
      description =
          "Length of the target of rmu (default: 20), or its factor on the norm of the hidden"
              + " states for rmu-adaptive (default: 5).")
  private Optional<Double> steering = Optional.empty();

  /**
   * Everything that was asked for, checked.
   *
   * @throws SmeltException with all problems
   */
  UnlearnTask.Request request(TrainingOptions training, ForgetTexts texts, boolean hasRetain) {
    UnlearnLoss chosen = UnlearnLosses.named(loss);
    StopRule rule = StopRule.parse(training.stop);
    List<String> problems = new ArrayList<>();
    boolean isAuto = training.target.equals("auto");
    List<ExpertId> targets =
        isAuto
            ? List.of()
            : Arrays.stream(training.target.split(",", -1))
                .map(ExpertId::parse)
                .distinct()
                .toList();
    if (chosen.usesRetain() && !hasRetain) {
      problems.add("--loss " + loss + " needs a retain set: add --retain FILE");
    }
    if (!hasRetain && rule.retain().isPresent() && !training.stop.equals(StopRule.DEFAULT)) {
      problems.add("--stop " + rule + " needs a retain set: add --retain FILE");
    }
    if (!hasRetain && isAuto && training.select == Selection.DIFFERENCE) {
      problems.add("--select difference needs a retain set: add --retain FILE");
    }
    checkConstants(chosen, problems);
    requirePositive("--lr", training.rate, problems);
    requireNotNegative("--clip", Optional.of(training.clip), problems);
    if (!problems.isEmpty()) {
      throw SmeltException.all(Fault.USAGE, problems, "smelt unlearn --help explains the options");
    }
    return new UnlearnTask.Request(
        texts,
        targets,
        training.select,
        training.experts,
        training.train,
        options(chosen, training),
        rule);
  }

  private TrainOptions options(UnlearnLoss chosen, TrainingOptions training) {
    double anchored = training.train == Scale.EXPERT ? 1.0 : 0.0;
    return TrainOptions.of(chosen)
        .with(constants(chosen))
        .withAnchor(anchor.orElse(anchored))
        .with(retainTerm.orElse(RetainTerm.NLL))
        .with(training.rate, training.steps, training.batch, training.checkEvery)
        .with(training.clip, 0, OutputOptions.bytes("--cache-limit", training.cacheLimit));
  }

  private LossConstants constants(UnlearnLoss chosen) {
    LossConstants defaults = chosen.defaults();
    return new LossConstants(
        forgetWeight.orElse(defaults.forgetWeight()),
        retainWeight.orElse(defaults.retainWeight()),
        beta.orElse(defaults.beta()),
        delta.orElse(defaults.delta()),
        steering.orElse(defaults.steering()));
  }

  /** An option that the loss does not have would be ignored silently. */
  private void checkConstants(UnlearnLoss chosen, List<String> problems) {
    boolean moves = chosen instanceof RepresentationLoss;
    refuse("--beta", beta.isPresent() && chosen.defaults().beta() == 0, problems);
    refuse("--delta", delta.isPresent() && !chosen.name().equals("simnpo"), problems);
    refuse("--steering", steering.isPresent() && !moves, problems);
    refuse("--retain-loss", retainTerm.isPresent() && (moves || !chosen.usesRetain()), problems);
    refuse("--retain-weight", retainWeight.isPresent() && !chosen.usesRetain(), problems);
    beta.ifPresent(value -> requirePositive("--beta", value, problems));
    requireNotNegative("--anchor", anchor, problems);
    requireNotNegative("--forget-weight", forgetWeight, problems);
    requireNotNegative("--retain-weight", retainWeight, problems);
    requireNotNegative("--steering", steering, problems);
  }

  private void refuse(String option, boolean given, List<String> problems) {
    if (given) {
      problems.add(option + ": --loss " + loss + " has no such constant");
    }
  }

  private static void requirePositive(String option, double value, List<String> problems) {
    if (!(value > 0) || Double.isInfinite(value)) {
      problems.add(option + " " + value + ": expected a number above 0");
    }
  }

  private static void requireNotNegative(
      String option, Optional<Double> value, List<String> problems) {
    if (value.isPresent() && (!(value.get() >= 0) || Double.isInfinite(value.get()))) {
      problems.add(option + " " + value.get() + ": expected a number of at least 0");
    }
  }
}
