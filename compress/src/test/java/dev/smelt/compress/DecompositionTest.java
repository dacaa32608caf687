package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactMatrix;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Truncation against NumPy (tools/reference/whitened_svd.py), and the identity of its error. */
class DecompositionTest {
  private static final int ROWS = 12;
  private static final int COLUMNS = 9;
  private static final int TOKENS = 40;
  private static final int RANK = 4;
  private static final double RIDGE = 1e-6;

  private final JsonNode expected = read();

  private static JsonNode read() {
    Path file = Path.of("src/test/resources/whitened_svd.json");
    try {
      return ConfigDocument.parse(Files.readString(file), file).root();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Tensor matrix(int rows, int columns, double a, double b) {
    double[] values = new double[rows * columns];
    for (int k = 0; k < values.length; k++) {
      values[k] = Math.sin(a * (k + 1)) + Math.cos(b * k * k);
    }
    return Tensors.ofDoubles(values, rows, columns).to(Dtype.F32);
  }

  private static Tensor weight() {
    return matrix(ROWS, COLUMNS, 0.7, 0.013);
  }

  private static Tensor inputs() {
    return matrix(TOKENS, COLUMNS, 1.1, 0.029);
  }

  private static Moments moments() {
    Tensor inputs = inputs();
    return new Moments(inputs.transpose(0, 1).matmul(inputs), TOKENS);
  }

  private static Tensor product(Decomposition parts, int rank) {
    MatrixForm form = new MatrixForm(ExpertPart.UP, ROWS, COLUMNS, rank, 0);
    return new CompactMatrix(form, parts.factors(form)).dense(Optional.empty());
  }

  private void assertClose(double[] ours, String field) {
    JsonNode theirs = expected.path(field);
    assertThat(ours).hasSize(theirs.size());
    for (int i = 0; i < ours.length; i++) {
      assertThat(ours[i]).as(field + " " + i).isCloseTo(theirs.get(i).asDouble(), within(1e-4));
    }
  }

  @Test
  void agreesWithNumPy() {
    try (var _ = Scope.open()) {
      Whitening whitening = Whitening.of(moments(), RIDGE).orElseThrow();
      assertClose(whitening.lower().toDoubles(), "cholesky");
      Decomposition parts = Decomposition.of(weight(), Optional.of(whitening));
      assertClose(parts.values(), "values");
      assertClose(product(parts, RANK).toDoubles(), "product");
      assertClose(Decomposition.of(weight(), Optional.empty()).values(), "plainValues");
    }
  }

  @Test
  void errorOfTheOutputIsTheSumOfTheSquaresLeftOut() {
    try (var _ = Scope.open()) {
      Whitening whitening = Whitening.of(moments(), RIDGE).orElseThrow();
      Decomposition parts = Decomposition.of(weight(), Optional.of(whitening));
      double[] values = parts.values();
      for (int rank = 1; rank < COLUMNS; rank++) {
        Tensor difference = weight().sub(product(parts, rank));
        double error = inputs().linear(difference).square().sum().item();
        double dropped = 0;
        for (int i = rank; i < values.length; i++) {
          dropped += values[i] * values[i];
        }
        assertThat(error).as("rank " + rank).isCloseTo(dropped, within(1e-3 * dropped + 1e-6));
      }
    }
  }

  @Test
  void whiteningNeverLosesToPlainTruncationOnItsTokens() {
    try (var _ = Scope.open()) {
      Whitening whitening = Whitening.of(moments(), RIDGE).orElseThrow();
      for (int rank = 1; rank < COLUMNS; rank++) {
        double whitened = error(Decomposition.of(weight(), Optional.of(whitening)), rank);
        double plain = error(Decomposition.of(weight(), Optional.empty()), rank);
        assertThat(whitened).as("rank " + rank).isLessThanOrEqualTo(plain * 1.0001);
      }
    }
  }

  private static double error(Decomposition parts, int rank) {
    return inputs().linear(weight().sub(product(parts, rank))).square().sum().item();
  }

  @Test
  void fullRankGivesTheMatrixBack() {
    try (var _ = Scope.open()) {
      Whitening whitening = Whitening.of(moments(), RIDGE).orElseThrow();
      for (Optional<Whitening> metric :
          List.of(Optional.of(whitening), Optional.<Whitening>empty())) {
        Tensor back = product(Decomposition.of(weight(), metric), COLUMNS);
        assertThat(back.sub(weight()).maxAbs()).isLessThan(1e-5);
      }
    }
  }

  @Test
  void tallAndWideMatricesLoseTheSame() {
    try (var _ = Scope.open()) {
      Tensor wide = weight().narrow(0, 0, COLUMNS / 2);
      Tensor tall = wide.transpose(0, 1).contiguous();
      for (int rank = 1; rank <= COLUMNS / 2; rank++) {
        Tensor other = product(tall, rank).transpose(0, 1);
        assertThat(product(wide, rank).sub(other).maxAbs()).as("rank " + rank).isLessThan(1e-5);
      }
    }
  }

  @Test
  void ranksAboveThatOfTheMatrixAreFinite() {
    try (var _ = Scope.open()) {
      Tensor zero = Tensors.zeros(Dtype.F32, 3, 4);
      assertThat(product(zero, 3).maxAbs()).isZero();
      Tensor row = weight().narrow(0, 0, 1);
      Tensor thrice = row.expand(3, COLUMNS).contiguous();
      assertThat(product(thrice, 3).sub(thrice).maxAbs()).isLessThan(1e-5);
    }
  }

  private static Tensor product(Tensor weight, int rank) {
    MatrixForm form =
        new MatrixForm(ExpertPart.UP, (int) weight.size(0), (int) weight.size(1), rank, 0);
    Decomposition parts = Decomposition.of(weight, Optional.empty());
    return new CompactMatrix(form, parts.factors(form)).dense(Optional.empty());
  }

  @Test
  void singularMomentsGetALargerRidge() {
    try (var _ = Scope.open()) {
      Tensor one = inputs().narrow(0, 0, 1);
      Moments singular = new Moments(one.transpose(0, 1).matmul(one), 1);
      assertThat(Whitening.of(singular, 1e-12)).isPresent();
      assertThat(Whitening.of(new Moments(Tensors.zeros(Dtype.F32, 3, 3), 0), RIDGE)).isEmpty();
    }
  }

  @Test
  void nothingLeaks() {
    long before = Torch.liveObjects();
    agreesWithNumPy();
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }
}
