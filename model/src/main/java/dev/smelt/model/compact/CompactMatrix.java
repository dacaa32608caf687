package dev.smelt.model.compact;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;

/**
 * The values of a matrix: the sum of its pieces.
 *
 * @param form what pieces there are
 * @param pieces all of them
 */
public record CompactMatrix(MatrixForm form, SequencedMap<Piece, Tensor> pieces) {
  /** Copies the map and checks the shapes. */
  public CompactMatrix {
    pieces = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(pieces));
    SequencedMap<Piece, Tensor> given = pieces;
    form.shapes()
        .forEach(
            (piece, shape) -> {
              Tensor tensor = given.get(piece);
              if (tensor == null || !shape.equals(Arrays.stream(tensor.shape()).boxed().toList())) {
                throw new IllegalArgumentException(form + ": " + piece + " is " + tensor);
              }
            });
    if (pieces.size() != form.shapes().size()) {
      throw new IllegalArgumentException(form + ": pieces " + pieces.keySet());
    }
  }

  /** A matrix that is stored whole. */
  public static CompactMatrix whole(MatrixForm form, Tensor values) {
    SequencedMap<Piece, Tensor> pieces = new LinkedHashMap<>();
    pieces.put(Piece.FULL, values);
    return new CompactMatrix(form, pieces);
  }

  /** The same with the values of all pieces, but not the indices, changed. */
  public CompactMatrix map(UnaryOperator<Tensor> change) {
    SequencedMap<Piece, Tensor> changed = new LinkedHashMap<>(pieces);
    changed.replaceAll((piece, t) -> piece == Piece.INDEX ? t : change.apply(t));
    return new CompactMatrix(form, changed);
  }

  /** The same in another type. */
  public CompactMatrix to(Dtype dtype) {
    return map(tensor -> tensor.to(dtype).contiguous());
  }

  /**
   * The matrix itself, [rows, columns].
   *
   * @param base what the layer's experts share of this matrix
   */
  public Tensor dense(Optional<Tensor> base) {
    Optional<Tensor> sum = base;
    if (pieces.containsKey(Piece.FULL)) {
      sum = Optional.of(plus(sum, pieces.get(Piece.FULL)));
    }
    if (pieces.containsKey(Piece.U)) {
      sum = Optional.of(plus(sum, pieces.get(Piece.U).matmul(pieces.get(Piece.V))));
    }
    if (pieces.containsKey(Piece.KEPT)) {
      sum = Optional.of(plus(sum, scattered(pieces.get(Piece.KEPT))));
    }
    return sum.orElseGet(() -> Tensors.zeros(Dtype.F32, form.rows(), form.columns()));
  }

  private static Tensor plus(Optional<Tensor> sum, Tensor term) {
    return sum.map(s -> s.add(term)).orElse(term);
  }

  /** The kept neurons in their places, zeros elsewhere. */
  private Tensor scattered(Tensor kept) {
    Tensor index = pieces.get(Piece.INDEX).to(Dtype.I64);
    Tensor zeros = Tensors.zeros(kept.dtype(), form.rows(), form.columns());
    return zeros.indexCopy(form.neuronDimension(), index, kept);
  }
}
