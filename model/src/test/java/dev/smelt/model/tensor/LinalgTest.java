package dev.smelt.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

  @ParameterizedTest
  @CsvSource({"6, 4", "4, 6", "5, 5"})
  void singularVectorsOfTheShorterSideDiagonalise(int rows, int columns) {
    try (var _ = Scope.open()) {
      Tensor matrix = random(rows, columns);
      Tensor wide = rows <= columns ? matrix : matrix.transpose(0, 1);
      var singular = Linalg.singular(matrix);
      assertThat(singular.values().toDoubles()).isSortedAccordingTo(Comparator.reverseOrder());
      Tensor turned = singular.vectors().transpose(0, 1).matmul(wide);
      Tensor squares = singular.values().square();
      assertEqual(
          turned.matmul(turned.transpose(0, 1)), identity(Math.min(rows, columns)).mul(squares));
    }
  }

  @Test
  void singularValuesThatAreZeroAreNoNumbersBelowIt() {
    try (var _ = Scope.open()) {
      Tensor column = random(5, 1);
      var singular = Linalg.singular(column.matmul(column.transpose(0, 1)));
      double[] values = singular.values().toDoubles();
      assertThat(values[0]).isCloseTo(column.square().sum().item(), within(TOLERANCE));
      assertThat(Arrays.stream(values).skip(1)).allMatch(value -> value >= 0 && value < 1e-7);
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
      var singular = Linalg.singular(positive(3));
      var eigen = Linalg.eigh(positive(3));
      assertThat(singular.values().sum().item()).isPositive();
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
