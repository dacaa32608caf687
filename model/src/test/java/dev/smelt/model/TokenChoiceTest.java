package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenChoiceTest {
  private static final double[] PROBABILITIES = {0.5, 0, 0.3, 0.15, 0.05};
  private static final int ROWS = 40_000;

  /** The same logits, that of each probability, in every row. */
  private static Tensor logits(Dtype dtype, int rows) {
    double[] one = Arrays.stream(PROBABILITIES).map(p -> p == 0 ? -1e4 : 3 + Math.log(p)).toArray();
    double[] all = new double[rows * one.length];
    Arrays.setAll(all, i -> one[i % one.length]);
    return Tensors.ofDoubles(all, rows, one.length).to(dtype);
  }

  /** Within five standard deviations of a share among so many rows, at most 0.0125. */
  @ParameterizedTest
  @ValueSource(strings = {"F64", "F32"})
  void drawsInProportionToWhatIsPredicted(String type) {
    try (var _ = Scope.open()) {
      int[] drawn = TokenChoice.drawn(3).of(logits(Dtype.of(type), ROWS));
      assertThat(drawn).hasSize(ROWS);
      double[] shares = new double[PROBABILITIES.length];
      Arrays.stream(drawn).forEach(token -> shares[token] += 1.0 / ROWS);
      assertThat(shares).containsExactly(PROBABILITIES, Offset.offset(0.0125));
      assertThat(shares[1]).isZero();
    }
  }

  @Test
  void theSeedDecides() {
    try (var _ = Scope.open()) {
      Tensor logits = logits(Dtype.F32, 100);
      int[] first = TokenChoice.drawn(1).of(logits);
      assertThat(TokenChoice.drawn(1).of(logits)).isEqualTo(first);
      assertThat(TokenChoice.drawn(2).of(logits)).isNotEqualTo(first);
    }
  }

  @Test
  void drawsAnewEachTime() {
    try (var _ = Scope.open()) {
      Tensor logits = logits(Dtype.F32, 100);
      TokenChoice choice = TokenChoice.drawn(1);
      assertThat(choice.of(logits)).isNotEqualTo(choice.of(logits));
    }
  }

  @Test
  void theLikeliest() {
    try (var _ = Scope.open()) {
      assertThat(TokenChoice.likeliest().of(logits(Dtype.BF16, 3))).containsExactly(0, 0, 0);
    }
  }
}
