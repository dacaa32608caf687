package dev.smelt.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Dtype;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LinalgTest {
  private static final double TOLERANCE = 1e-12;

  @Test
  void choleskyReproducesTheMatrixAndSolves() {
    try (var _ = Scope.open()) {
      Tensor matrix = positive(7);
      Tensor right = random(7, 3);
      Tensor lower = Linalg.cholesky(matrix);
      assertEqual(lower.matmul(lower.transpose(0, 1)), matrix);
      assertEqual(matrix.matmul(Linalg.choleskySolve(lower, right)), right);
    }
  }

  @Test
  void choleskyRefusesAnIndefiniteMatrix() {
    try (var _ = Scope.open()) {
      Tensor matrix = positive(4).mul(-1);
      assertThatThrownBy(() -> Linalg.cholesky(matrix)).isInstanceOf(RuntimeException.class);
    }
  }

  @Test
  void triangularSystemsAreSolvedFromBothSides() {
    try (var _ = Scope.open()) {
      Tensor lower = Linalg.cholesky(positive(5));
      Tensor right = random(5, 2);
      Tensor upper = lower.transpose(0, 1);
      assertEqual(lower.matmul(Linalg.triangularSolve(lower, false, right)), right);
      assertEqual(upper.matmul(Linalg.triangularSolve(upper, true, right)), right);
    }
  }

  @Test
  void singularValueDecompositionIsThinAndOrdered() {
    try (var _ = Scope.open()) {
      Tensor matrix = random(6, 4);
      var svd = Linalg.svd(matrix);
      assertThat(svd.u().shape()).containsExactly(6, 4);
      assertEqual(svd.u().mul(svd.values()).matmul(svd.vt()), matrix);
      assertEqual(svd.vt().matmul(svd.vt().transpose(0, 1)), identity(4));
      double[] values = svd.values().toDoubles();
      for (int i = 1; i < values.length; i++) {
        assertThat(values[i]).isLessThanOrEqualTo(values[i - 1]);
      }
    }
  }

  @Test
  void eigenvectorsDiagonalise() {
    try (var _ = Scope.open()) {
      Tensor matrix = positive(5);
      var eigen = Linalg.eigh(matrix);
      assertEqual(matrix.matmul(eigen.vectors()), eigen.vectors().mul(eigen.values()));
      assertThat(eigen.values().toDoubles()).isSorted();
    }
  }

  @Test
  void nothingLeaks() {
    long before = Torch.liveObjects();
    try (var _ = Scope.open()) {
      var svd = Linalg.svd(positive(3));
      var eigen = Linalg.eigh(positive(3));
      assertThat(svd.values().sum().item()).isPositive();
      assertThat(eigen.values().sum().item()).isPositive();
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  private static Tensor random(int rows, int columns) {
    Random random = new Random(rows * 31L + columns);
    double[] values = random.doubles((long) rows * columns, -1, 1).toArray();
    return Tensors.ofDoubles(values, rows, columns);
  }

  private static Tensor positive(int size) {
    Tensor root = random(size, size + 2);
    return root.matmul(root.transpose(0, 1));
  }

  private static Tensor identity(int size) {
    return Tensors.oneHot(Tensors.range(size, Dtype.I64), size).to(Dtype.F64);
  }

  private static void assertEqual(Tensor actual, Tensor expected) {
    assertThat(actual.sub(expected).abs().max().item()).isLessThan(TOLERANCE);
  }
}
