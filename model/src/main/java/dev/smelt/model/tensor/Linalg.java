package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import java.util.Optional;
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

  /**
   * The singular values of [m, n] and the singular vectors of its shorter side, from the
   * eigenvectors of its Gram matrix in F64.
   *
   * <p>Squaring loses values below 1e-8 of the largest, which a decomposition in F32 loses too; it
   * takes half of the time of that.
   */
  public static Singular singular(Tensor matrix) {
    Tensor wide = matrix.size(0) <= matrix.size(1) ? matrix : matrix.transpose(0, 1);
    Tensor values = wide.to(Dtype.F64);
    Eigen eigen = eigh(values.matmul(values.transpose(0, 1)));
    Tensor order = eigen.values().mul(-1).argsort();
    return new Singular(
        eigen.values().indexSelect(0, order).relu().sqrt(), eigen.vectors().indexSelect(1, order));
  }

  /** Eigenvalues and eigenvectors of a symmetric matrix [n, n]; its lower triangle is read. */
  public static Eigen eigh(Tensor matrix) {
    var parts = Blas.decompose(() -> torch.linalg_eigh(matrix.at()));
    return new Eigen(Tensor.owned(parts.get0()), Tensor.owned(parts.get1()));
  }

  /**
   * What a matrix does to its shorter side.
   *
   * @param values singular values, largest first, F64, [r]
   * @param vectors singular vectors in columns, F64, [r, r]: left ones if there are no more rows
   *     than columns, else right ones
   */
  public record Singular(Tensor values, Tensor vectors) {}

  /**
   * {@code matrix = vectors * diag(values) * vectors^T}.
   *
   * @param values eigenvalues, smallest first, [n]
   * @param vectors eigenvectors in columns, [n, n]
   */
  public record Eigen(Tensor values, Tensor vectors) {}
}
