package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.MatrixForm;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Shares the parameters of all matrices anew: a singular value is kept if its square, relative to
 * the squares of its matrix and divided by the parameters that it costs, is above a threshold that
 * all matrices have in common. The threshold is the lowest that keeps to the sum.
 *
 * <p>Squares are relative because the output of layers differs in size by what follows them, not by
 * its importance. A matrix that would need as many parameters as it has is stored whole.
 */
final class GlobalAllocation {
  private static final int STEPS = 200;

  private GlobalAllocation() {}

  /** Forms with the same number of parameters in all, or the few less that ranks leave over. */
  static List<CompactForm> share(List<CompactForm> forms, List<LayerSurvey> surveys) {
    long budget = forms.stream().mapToLong(CompactForm::parameters).sum();
    double low = 0;
    double high = 1;
    for (int i = 0; i < STEPS; i++) {
      double middle = low == 0 ? high / 16 : Math.sqrt(low * high);
      if (parameters(cut(forms, surveys, middle)) > budget) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return cut(forms, surveys, high);
  }

  private static long parameters(List<CompactForm> forms) {
    return forms.stream().mapToLong(CompactForm::parameters).sum();
  }

  private static List<CompactForm> cut(
      List<CompactForm> forms, List<LayerSurvey> surveys, double threshold) {
    List<CompactForm> cut = new ArrayList<>();
    for (int i = 0; i < forms.size(); i++) {
      List<ExpertForms> experts = new ArrayList<>();
      for (int e = 0; e < forms.get(i).experts().size(); e++) {
        experts.add(cut(forms.get(i).experts().get(e), surveys.get(i).experts().get(e), threshold));
      }
      CompactForm form = forms.get(i);
      cut.add(new CompactForm(form.layer(), experts, form.map(), form.bases(), form.biased()));
    }
    return cut;
  }

  private static ExpertForms cut(
      ExpertForms forms, SequencedMap<ExpertPart, double[]> values, double threshold) {
    SequencedMap<ExpertPart, MatrixForm> cut = new LinkedHashMap<>(forms.matrices());
    cut.replaceAll((part, form) -> cut(form, values.get(part), threshold));
    return new ExpertForms(cut);
  }

  private static MatrixForm cut(MatrixForm form, double[] values, double threshold) {
    double all = 0;
    for (double v : values) {
      all += v * v;
    }
    double price = form.rows() + form.columns();
    int rank = 0;
    while (rank < values.length && values[rank] * values[rank] / all / price > threshold) {
      rank++;
    }
    MatrixForm whole = MatrixForm.whole(form.part(), form.rows(), form.columns());
    return rank >= RankBudget.breakEven(whole)
        ? whole
        : new MatrixForm(form.part(), form.rows(), form.columns(), Math.max(1, rank), form.kept());
  }
}
