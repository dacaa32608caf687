package dev.smelt.model.compact;

import dev.smelt.model.ExpertPart;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * How the matrices of one expert are stored.
 *
 * @param matrices gate (if there is one), up and down
 */
public record ExpertForms(SequencedMap<ExpertPart, MatrixForm> matrices) {
  /** Copies the map and checks that the matrices fit each other. */
  public ExpertForms {
    matrices = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(matrices));
    long width = matrices.get(ExpertPart.UP).rows();
    matrices.forEach(
        (part, form) -> {
          if (form.part() != part || form.neurons() != width) {
            throw new IllegalArgumentException("matrices of an expert differ: " + form);
          }
        });
  }

  /** An expert whose matrices are stored whole. */
  public static ExpertForms whole(long hidden, long width, boolean gated) {
    return of(hidden, width, gated, MatrixForm::whole);
  }

  /** Chooses the form of a matrix. */
  @FunctionalInterface
  public interface Choice {
    /** The form of a matrix [rows, columns]. */
    MatrixForm of(ExpertPart part, long rows, long columns);
  }

  /** An expert of chosen forms. */
  public static ExpertForms of(long hidden, long width, boolean gated, Choice choice) {
    SequencedMap<ExpertPart, MatrixForm> forms = new LinkedHashMap<>();
    if (gated) {
      forms.put(ExpertPart.GATE, choice.of(ExpertPart.GATE, width, hidden));
    }
    forms.put(ExpertPart.UP, choice.of(ExpertPart.UP, width, hidden));
    forms.put(ExpertPart.DOWN, choice.of(ExpertPart.DOWN, hidden, width));
    return new ExpertForms(forms);
  }

  /** The form of a matrix. */
  public MatrixForm get(ExpertPart part) {
    return matrices.get(part);
  }

  /** The same where matrices that are not whole keep a share of their neurons, at least one. */
  ExpertForms keeping(double share) {
    SequencedMap<ExpertPart, MatrixForm> changed = new LinkedHashMap<>(matrices);
    changed.replaceAll((_, matrix) -> matrix.isWhole() ? matrix : matrix.keeping(share));
    return new ExpertForms(changed);
  }

  /** Neurons of the expert. */
  public long width() {
    return matrices.get(ExpertPart.UP).rows();
  }

  /** Size of the hidden state. */
  public long hidden() {
    return matrices.get(ExpertPart.UP).columns();
  }

  /** Whether all matrices are stored whole. */
  public boolean isWhole() {
    return matrices.values().stream().allMatch(MatrixForm::isWhole);
  }

  /** Stored numbers of the matrices, without indices. */
  public long parameters() {
    return matrices.values().stream().mapToLong(MatrixForm::parameters).sum();
  }
}
