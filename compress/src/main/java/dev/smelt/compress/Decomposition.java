package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The singular values and vectors of a matrix W, or of W L if its inputs are whitened. The error of
 * the output that comes from leaving out singular values is the sum of their squares.
 *
 * @param seen W or W L, F32
 * @param singular of it
 * @param whitening L, if there is one
 */
record Decomposition(Tensor seen, Linalg.Singular singular, Optional<Whitening> whitening) {
  /** Decomposes a matrix [m, n]; tensors belong to the open scope. */
  static Decomposition of(Tensor weight, Optional<Whitening> whitening) {
    Tensor seen = whitening.map(w -> w.apply(weight)).orElse(weight).to(Dtype.F32);
    return new Decomposition(seen, Linalg.singular(seen), whitening);
  }

  /** Singular values, largest first. */
  double[] values() {
    return singular.values().toDoubles();
  }

  /** Both factors with the singular values divided between them, F32; none at rank 0. */
  SequencedMap<Piece, Tensor> factors(MatrixForm form) {
    SequencedMap<Piece, Tensor> factors = new LinkedHashMap<>();
    if (form.rank() > 0) {
      Tensor roots = singular.values().narrow(0, 0, form.rank()).sqrt();
      Tensor vectors = singular.vectors().narrow(1, 0, form.rank());
      Tensor own = vectors.mul(roots).to(Dtype.F32);
      Tensor across = vectors.mul(inverse(roots)).to(Dtype.F32);
      boolean isWide = seen.size(0) <= seen.size(1);
      Tensor left = isWide ? own : seen.matmul(across);
      Tensor right = isWide ? across.transpose(0, 1).matmul(seen) : own.transpose(0, 1);
      factors.put(Piece.U, left);
      factors.put(Piece.V, whitening.map(w -> w.undo(right)).orElse(right).to(Dtype.F32));
    }
    return factors;
  }

  /** One over each number, zero for zero. */
  private static Tensor inverse(Tensor numbers) {
    Tensor zero = Tensors.zeros(numbers.dtype(), numbers.shape());
    return numbers.reciprocal().maskedFill(numbers.equal(zero), 0);
  }
}
