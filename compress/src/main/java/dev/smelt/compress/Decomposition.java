package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The singular values and vectors of a matrix W, or of W L if its inputs are whitened. The error of
 * the output that comes from leaving out singular values is the sum of their squares.
 *
 * @param svd of W or W L, F32
 * @param whitening L, if there is one
 */
record Decomposition(Linalg.Svd svd, Optional<Whitening> whitening) {
  /** Decomposes a matrix [m, n]; tensors belong to the open scope. */
  static Decomposition of(Tensor weight, Optional<Whitening> whitening) {
    Tensor seen = whitening.map(w -> w.apply(weight)).orElse(weight);
    return new Decomposition(Linalg.svd(seen.to(Dtype.F32)), whitening);
  }

  /** Singular values, largest first. */
  double[] values() {
    return svd.values().toDoubles();
  }

  /** Both factors with the singular values divided between them, F32; none at rank 0. */
  SequencedMap<Piece, Tensor> factors(MatrixForm form) {
    SequencedMap<Piece, Tensor> factors = new LinkedHashMap<>();
    if (form.rank() > 0) {
      Tensor roots = svd.values().narrow(0, 0, form.rank()).sqrt();
      Tensor left = svd.u().narrow(1, 0, form.rank()).mul(roots);
      Tensor right = svd.vt().narrow(0, 0, form.rank()).mul(roots.unsqueeze(1));
      factors.put(Piece.U, left);
      factors.put(Piece.V, whitening.map(w -> w.undo(right)).orElse(right).to(Dtype.F32));
    }
    return factors;
  }
}
