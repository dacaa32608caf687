package dev.smelt.unlearn.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnlearnLossesTest {
  private static final double[] SUMS = {12, 30, 7.5};
  private static final double[] REFERENCE = {10, 31, 7};
  private static final double[] TOKENS = {4, 10, 3};

  private static SequenceLosses losses(Tensor sums) {
    return new SequenceLosses(sums, Tensors.ofDoubles(REFERENCE, 3), Tensors.ofDoubles(TOKENS, 3));
  }

  private static double value(LikelihoodLoss loss, double[] sums, LossConstants constants) {
    try (var _ = Scope.open()) {
      return loss.forget(losses(Tensors.ofDoubles(sums, 3)), constants).item();
    }
  }

  private static double[] gradient(LikelihoodLoss loss, LossConstants constants) {
    try (var _ = Scope.open();
        var recording = Autograd.record()) {
      Tensor sums = Tensors.ofDoubles(SUMS, 3);
      Autograd.require(sums);
      return recording
          .gradients(loss.forget(losses(sums), constants), List.of(sums))
          .getFirst()
          .toDoubles();
    }
  }

  @Test
  void registryIsComplete() {
    assertThat(UnlearnLosses.all()).extracting(UnlearnLoss::name).doesNotHaveDuplicates();
    for (UnlearnLoss loss : UnlearnLosses.all()) {
      assertThat(loss.name()).matches("[a-z]+(-[a-z]+)*");
      assertThat(loss.description()).isNotBlank();
      assertThat(UnlearnLosses.named(loss.name())).isEqualTo(loss);
      Path page = Path.of("..", "docs", "methods", "unlearning-losses.md");
      assertThat(Files.exists(page)).isTrue();
      assertThat(page).content().contains("`" + loss.name() + "`");
    }
  }

  @Test
  void npoTendsToGradientAscentOnSums() {
    double[] found = gradient(new Npo(), new LossConstants(1, 1, 1e-6, 0, 0));
    for (double g : found) {
      assertThat(g).isCloseTo(-1.0 / 3, within(1e-5));
    }
  }

  @Test
  void npoIsBoundedAndHasItsWeights() {
    LossConstants constants = new LossConstants(1, 1, 0.5, 0, 0);
    assertThat(value(new Npo(), new double[] {1e6, 1e6, 1e6}, constants))
        .isCloseTo(0, within(1e-9));
    assertThat(value(new Npo(), REFERENCE, constants)).isCloseTo(4 * Math.log(2), within(1e-9));
    double[] found = gradient(new Npo(), constants);
    for (int i = 0; i < 3; i++) {
      double ratio = Math.exp(0.5 * (REFERENCE[i] - SUMS[i]));
      assertThat(found[i]).isCloseTo(-2 * ratio / (ratio + 1) / 3, within(1e-9));
    }
  }

  @Test
  void simNpoGoesByTokens() {
    double expected = 0;
    for (int i = 0; i < 3; i++) {
      expected += 2 / 2.5 * Math.log1p(Math.exp(-2.5 * (SUMS[i] / TOKENS[i] - 0.2))) / 3;
    }
    assertThat(value(new SimNpo(), SUMS, new LossConstants(1, 1, 2.5, 0.2, 0)))
        .isCloseTo(expected, within(1e-9));
  }

  @Test
  void gradientAscentIsTheNegativeMeanOverTokens() {
    assertThat(value(new GradientAscent(), SUMS, new GradientAscent().defaults()))
        .isCloseTo(-49.5 / 17, within(1e-9));
  }

  @Test
  void divergenceIsZeroForEqualDistributions() {
    try (var _ = Scope.open()) {
      Tensor a = Tensors.ofDoubles(new double[] {0, 1, 2, 3, -1, 0.5}, 2, 3);
      Tensor b = Tensors.ofDoubles(new double[] {0, 0, 0, 0, 0, 0}, 2, 3);
      assertThat(RetainTerm.divergence(a, a).item()).isCloseTo(0, within(1e-12));
      double expected = (klToUniform(0, 1, 2) + klToUniform(3, -1, 0.5)) / 2;
      assertThat(RetainTerm.divergence(b, a).item()).isCloseTo(expected, within(1e-9));
    }
  }

  private static double klToUniform(double... logits) {
    double sum = 0;
    for (double x : logits) {
      sum += Math.exp(x);
    }
    double divergence = Math.log(3);
    for (double x : logits) {
      divergence += Math.exp(x) / sum * Math.log(Math.exp(x) / sum);
    }
    return divergence;
  }
}
