package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Optional;

/**
 * The Cholesky factor of a Gram matrix, with which errors of a matrix count as errors of its output
 * (Wang et al., "SVD-LLM", ICLR 2025, section 3.1).
 *
 * <p>A ridge relative to the mean of the diagonal makes the matrix positive definite; it is raised
 * tenfold until the factorisation succeeds. The reference adds the smallest eigenvalue instead,
 * which depends on rounding.
 *
 * @param lower L with L L^T = G + ridge, F64, [n, n]
 */
record Whitening(Tensor lower) {
  /** The ridge relative to the mean of the diagonal, unless the user says otherwise. */
  static final double RIDGE = 1e-4;

  private static final double LARGEST = 1e2;

  /** The factor of a Gram matrix, in the open scope; none without tokens. */
  static Optional<Whitening> of(Moments moments, double ridge) {
    Tensor gram = moments.gram().to(Dtype.F64);
    double mean = gram.diagonal().mean().item();
    if (moments.tokens() == 0 || mean == 0) {
      return Optional.empty();
    }
    Tensor diagonal = identity(gram.size(0)).mul(mean);
    for (double share = ridge; share < LARGEST; share *= 10) {
      Optional<Tensor> lower = Linalg.tryCholesky(gram.addScaled(diagonal, share));
      if (lower.isPresent()) {
        return lower.map(Whitening::new);
      }
    }
    throw SmeltException.checkpoint(
        "the inputs of an expert have no usable second moments: mean of squares " + mean,
        "smelt verify MODEL names weights that are not finite");
  }

  private static Tensor identity(long size) {
    Tensor matrix = Tensors.zeros(Dtype.F64, size, size);
    matrix.diagonal().fillInPlace(1);
    return matrix;
  }

  /** W L, F32: what is decomposed instead of W [m, n]. */
  Tensor apply(Tensor weight) {
    return weight.to(Dtype.F32).matmul(lower.to(Dtype.F32));
  }

  /** X with X L = B, for B [r, n]. */
  Tensor undo(Tensor right) {
    Tensor upper = lower.transpose(0, 1);
    Tensor wide = right.to(Dtype.F64).transpose(0, 1);
    return Linalg.triangularSolve(upper, true, wide).transpose(0, 1);
  }
}
