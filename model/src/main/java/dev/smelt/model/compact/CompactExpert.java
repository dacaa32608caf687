package dev.smelt.model.compact;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertForm;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The values of an expert as they are stored.
 *
 * @param matrices gate (if there is one), up and down
 * @param biases of all projections, if there are any
 */
public record CompactExpert(
    SequencedMap<ExpertPart, CompactMatrix> matrices, Optional<Expert.Biases> biases) {
  /** Copies the map. */
  public CompactExpert {
    matrices = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(matrices));
  }

  /** An expert whose matrices are stored whole. */
  public static CompactExpert whole(Expert expert) {
    SequencedMap<ExpertPart, CompactMatrix> matrices = new LinkedHashMap<>();
    matricesOf(expert)
        .forEach(
            (part, values) -> {
              MatrixForm form = MatrixForm.whole(part, values.size(0), values.size(1));
              matrices.put(part, CompactMatrix.whole(form, values));
            });
    return new CompactExpert(matrices, expert.biases());
  }

  /** Gate (if there is one), up and down of an expert. */
  public static SequencedMap<ExpertPart, Tensor> matricesOf(Expert expert) {
    SequencedMap<ExpertPart, Tensor> parts = expert.parts();
    parts.keySet().removeIf(part -> part.isBias());
    return parts;
  }

  /** The same in another type. */
  public CompactExpert to(Dtype dtype) {
    SequencedMap<ExpertPart, CompactMatrix> cast = new LinkedHashMap<>(matrices);
    cast.replaceAll((_, matrix) -> matrix.to(dtype));
    return new CompactExpert(
        cast,
        biases.map(
            b -> new Expert.Biases(b.gate().to(dtype), b.up().to(dtype), b.down().to(dtype))));
  }

  /**
   * The expert itself.
   *
   * @param form how its matrices work together
   * @param bases what the layer's experts share, by matrix
   */
  public Expert dense(ExpertForm form, Map<ExpertPart, Tensor> bases) {
    SequencedMap<ExpertPart, Tensor> dense = new LinkedHashMap<>();
    matrices.forEach(
        (part, matrix) -> dense.put(part, matrix.dense(Optional.ofNullable(bases.get(part)))));
    Tensor up = dense.get(ExpertPart.UP);
    return new Expert(
        form.gated() ? dense.get(ExpertPart.GATE) : up,
        up,
        dense.get(ExpertPart.DOWN),
        form,
        biases);
  }
}
