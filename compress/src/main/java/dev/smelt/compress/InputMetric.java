package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.MatrixForm;
import java.util.List;
import java.util.Optional;

/**
 * How errors of a matrix count: all alike, or by what the matrix sees on calibration tokens.
 *
 * @param whiten whether they count by what the matrix sees
 * @param gated whether tokens count with the square of their gate value
 * @param ridge relative to the mean of the moments' diagonal
 */
record InputMetric(boolean whiten, boolean gated, double ridge) {
  static final List<MethodOption> OPTIONS =
      List.of(
          MethodOption.flag(
              "whiten",
              "Least error of the output on the expert's own calibration tokens. Needs --text."),
          MethodOption.flag(
              "gate-weighted", "With --whiten: tokens count with the square of their gate value."),
          new MethodOption(
              "ridge",
              "X",
              "With --whiten: what is added to the diagonal of the moments, relative to its mean."
                  + " Default: "
                  + Whitening.RIDGE
                  + "."));

  static InputMetric of(GivenOptions given) {
    boolean whiten = given.has("whiten");
    for (String name : List.of("gate-weighted", "ridge")) {
      if (given.has(name) && !whiten) {
        throw SmeltException.usage("--" + name + " needs --whiten", "add --whiten");
      }
    }
    double ridge =
        given.number("ridge", v -> v > 0 && v <= 1, "a number above 0").orElse(Whitening.RIDGE);
    return new InputMetric(whiten, given.has("gate-weighted"), ridge);
  }

  boolean needsTokens() {
    return whiten;
  }

  /** Gathers the moments of an expert into the open scope. */
  OfExpert of(LayerWork work, int e, Expert expert) {
    if (!whiten) {
      return new OfExpert(Integer.MAX_VALUE, Optional.empty(), Optional.empty());
    }
    ExpertInputs inputs = work.training(e);
    return new OfExpert(
        inputs.count(),
        Whitening.of(inputs.inputMoments(work.shape().hidden(), gated), ridge),
        Whitening.of(inputs.neuronMoments(expert, gated), ridge));
  }

  /**
   * The metric of one expert.
   *
   * @param tokens that it was gathered from
   * @param inputs of gate and up
   * @param neurons of the down projection
   */
  record OfExpert(int tokens, Optional<Whitening> inputs, Optional<Whitening> neurons) {
    /** The whitening of a matrix. */
    Optional<Whitening> whitening(ExpertPart part) {
      return part == ExpertPart.DOWN ? neurons : inputs;
    }

    /** The whitening of a matrix, unless there are fewer tokens than its rank. */
    Optional<Whitening> whitening(MatrixForm form) {
      return isScarce(form) ? Optional.empty() : whitening(form.part());
    }

    /** Whether there are fewer tokens than a matrix keeps singular values. */
    boolean isScarce(MatrixForm form) {
      return tokens < form.rank();
    }
  }
}
