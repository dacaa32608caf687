package dev.smelt.cli.recipe;

import dev.smelt.cli.step.CalibrateStep;
import dev.smelt.cli.step.CompressStep;
import dev.smelt.cli.step.EvaluateStep;
import dev.smelt.cli.step.ForgetReportStep;
import dev.smelt.cli.step.RecoverStep;
import dev.smelt.cli.step.ReducingStep;
import dev.smelt.cli.step.UnlearnStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Every kind of step, in the order in which messages list them. */
public final class Steps {
  private static final List<Step> ALL =
      List.of(
          new CalibrateStep(),
          ReducingStep.merge(),
          ReducingStep.drop(),
          new CompressStep(),
          new UnlearnStep(),
          new ForgetReportStep(),
          new RecoverStep(),
          new EvaluateStep());

  private Steps() {}

  /** The steps by name. */
  public static SequencedMap<String, Step> byName() {
    SequencedMap<String, Step> steps = new LinkedHashMap<>();
    ALL.forEach(step -> steps.put(step.name(), step));
    return steps;
  }
}
