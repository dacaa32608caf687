package dev.smelt.model.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.global.torch;

/** Factorisations and solutions of linear systems; F32 and F64 matrices, batches of them too. */
public final class Linalg {
  private Linalg() {}

  /**
   * The lower triangular L with {@code L * L^T = matrix}.
   *
   * @param matrix symmetric and positive definite; only its lower triangle is read
   * @throws RuntimeException if it is not positive definite
   */
  public static Tensor cholesky(Tensor matrix) {
    return Blas.decompose(() -> new Tensor(torch.linalg_cholesky(matrix.at())));
  }

  /** The factor of {@link #cholesky}, or nothing if the matrix is not positive definite. */
  public static Optional<Tensor> tryCholesky(Tensor matrix) {
    var parts = torch.linalg_cholesky_ex(matrix.at());
    boolean done = Tensor.owned(parts.get1()).item() == 0;
    return done ? Optional.of(Tensor.owned(parts.get0())) : Optional.empty();
  }

  /**
   * X with {@code L * L^T * X = right}.
   *
   * @param lower L, [n, n]
   * @param right [n, m]
   */
  public static Tensor choleskySolve(Tensor lower, Tensor right) {
    return Blas.decompose(() -> new Tensor(torch.cholesky_solve(right.at(), lower.at())));
  }

  /**
   * X with {@code triangle * X = right}.
   *
   * @param triangle [n, n]
   * @param upper whether the upper triangle is the one that counts
   * @param right [n, m]
   */
  public static Tensor triangularSolve(Tensor triangle, boolean upper, Tensor right) {
    return Blas.decompose(
        () -> new Tensor(torch.linalg_solve_triangular(triangle.at(), right.at(), upper)));
  }

  /**
   * X with (I + L) X = right, for what a matrix has below its diagonal, L.
   *
   * @param matrix [.., n, n]; its diagonal and what is above are not read
   * @param right [.., n, m]
   */
  public static Tensor unitLowerSolve(Tensor matrix, Tensor right) {
    return Blas.decompose(
        () ->
            new Tensor(torch.linalg_solve_triangular(matrix.at(), right.at(), false, true, true)));
  }

  /** The thin singular value decomposition of [m, n], with r = min(m, n). */
  public static Svd svd(Tensor matrix) {
    var parts =
        Blas.decompose(() -> torch.linalg_svd(matrix.at(), false, new StringViewOptional()));
    return new Svd(
        Tensor.owned(parts.get0()), Tensor.owned(parts.get1()), Tensor.owned(parts.get2()));
  }

  /** Eigenvalues and eigenvectors of a symmetric matrix [n, n]; its lower triangle is read. */
  public static Eigen eigh(Tensor matrix) {
    var parts = Blas.decompose(() -> torch.linalg_eigh(matrix.at()));
    return new Eigen(Tensor.owned(parts.get0()), Tensor.owned(parts.get1()));
  }

  /**
   * {@code matrix = u * diag(values) * vt}.
   *
   * @param u left singular vectors in columns, [m, r]
   * @param values singular values, largest first, [r]
   * @param vt right singular vectors in rows, [r, n]
   */
  public record Svd(Tensor u, Tensor values, Tensor vt) {}

  /**
   * {@code matrix = vectors * diag(values) * vectors^T}.
   *
   * @param values eigenvalues, smallest first, [n]
   * @param vectors eigenvectors in columns, [n, n]
   */
  public record Eigen(Tensor values, Tensor vectors) {}
}
