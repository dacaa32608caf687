package dev.smelt.compress;

import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.MatrixForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The ranks of all matrices of a model: each by itself, or together so that as much as possible is
 * kept with the same number of parameters.
 *
 * @param budget what a matrix keeps
 * @param global whether the budget of all matrices is one
 */
record RankChoice(RankBudget budget, boolean global) {
  private static final String ALLOCATION = "allocation";

  static final List<MethodOption> OPTIONS =
      List.of(
          RankBudget.RANK_OPTION,
          RankBudget.RATIO_OPTION,
          RankBudget.ENERGY_OPTION,
          new MethodOption(
              ALLOCATION,
              "HOW",
              "uniform: every matrix has the budget; global: the matrices of the model share it by"
                  + " their singular values. Default: uniform."));

  static RankChoice of(GivenOptions given) {
    boolean global =
        given.word(ALLOCATION, List.of("uniform", "global"), "uniform").equals("global");
    return new RankChoice(RankBudget.of(given), global);
  }

  /** The same with a share of the parameters, if that is the budget, taken by something else. */
  RankChoice less(double share) {
    return budget.kind() == RankBudget.Kind.RATIO
        ? new RankChoice(new RankBudget(budget.kind(), budget.value() - share), global)
        : this;
  }

  boolean needsValues() {
    return global || budget.needsValues();
  }

  /** The form of every layer. */
  List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
    List<CompactForm> forms = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Optional<LayerSurvey> survey = needsValues() ? Optional.of(surveys.get(i)) : Optional.empty();
      forms.add(layers.get(i).with((e, whole) -> form(e, whole, survey)));
    }
    return global ? GlobalAllocation.share(forms, surveys) : forms;
  }

  private MatrixForm form(int e, MatrixForm whole, Optional<LayerSurvey> survey) {
    Optional<double[]> values = survey.map(s -> s.experts().get(e).get(whole.part()));
    int rank = budget.rank(whole, values);
    boolean larger = budget.needsValues() && rank >= RankBudget.breakEven(whole);
    return larger ? whole : new MatrixForm(whole.part(), whole.rows(), whole.columns(), rank, 0);
  }
}
