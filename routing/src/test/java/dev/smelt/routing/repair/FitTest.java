package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Torch;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FitTest {
  private static final FitOptions OPTIONS = new FitOptions(60, 128, 0.03, 0.1, 10, 5);

  @Test
  void lowersTheHeldOutErrorOfADroppedBlock() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 6, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(block, 2, 1600);
      MoeBlock kept = ReducedBlock.keep(block, List.of(0, 2, 3)).block();
      var result = Fit.fit(kept, tokens, OPTIONS);
      assertThat(result.heldOutAfter()).isLessThan(0.8 * result.heldOutBefore());
      assertThat(BlockError.of(result.block(), tokens, tokens.split().heldOut()).relative())
          .isEqualTo(result.heldOutAfter(), within(1e-6));
    }
  }

  @Test
  void keepsTheStartWhereNothingCanBeGained() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      var result = Fit.fit(block, Fixture.tokens(block, 2, 640), OPTIONS);
      assertThat(result.heldOutAfter()).isLessThanOrEqualTo(result.heldOutBefore());
      assertThat(Fixture.difference(result.block(), block)).isLessThan(1e-5);
    }
  }

  @Test
  void isTheSameEveryTime() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(Fixture.block(2, 4, Dtype.F32), 3, 640);
      MoeBlock one = Fit.fit(block, tokens, OPTIONS).block();
      MoeBlock other = Fit.fit(block, tokens, OPTIONS).block();
      assertThat(Fixture.difference(one, other)).isZero();
      assertThat(Fixture.difference(one, Fit.fit(block, tokens, OPTIONS.withSeed(6)).block()))
          .isPositive();
    }
  }

  @Test
  void permutingTheExpertsPermutesTheResult() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F64);
      TokenMatrix tokens = Fixture.tokens(Fixture.block(2, 4, Dtype.F64), 3, 640);
      MoeBlock permuted = ReducedBlock.keep(block, List.of(3, 0, 2, 1)).block();
      MoeBlock one = Fit.fit(block, tokens, OPTIONS).block();
      MoeBlock other = Fit.fit(permuted, tokens, OPTIONS).block();
      MoeBlock back = ReducedBlock.keep(other, List.of(1, 3, 2, 0)).block();
      assertThat(Fixture.difference(back, one)).isLessThan(1e-6);
    }
  }

  @Test
  void gradientsAgreeWithFiniteDifferences() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 3, Dtype.F64);
      TokenMatrix tokens = Fixture.tokens(Fixture.block(2, 3, Dtype.F64), 3, 48);
      var rows = tokens.rows(IntStream.range(0, 48).toArray());
      Trainable trainable = BlockWeights.of(block, Trained.ALL);
      List<Tensor> gradients;
      try (var recording = Autograd.record()) {
        Tensor loss = OutputObjective.loss(trainable.current(), rows, 1);
        gradients = recording.gradients(loss, trainable.masters());
      }
      Random random = new Random(4);
      for (int m = 0; m < gradients.size(); m++) {
        int element = random.nextInt((int) gradients.get(m).elements());
        double expected =
            Fixture.slope(trainable, m, element, b -> OutputObjective.loss(b, rows, 1).item());
        double actual = gradients.get(m).toDoubles()[element];
        assertThat(actual).as("matrix " + m).isEqualTo(expected, within(1e-7));
      }
    }
  }

  @Test
  void leaksNothing() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(Fixture.block(2, 4, Dtype.F32), 3, 640);
      long live = Torch.liveObjects();
      try (var _ = Scope.open()) {
        assertThat(Fit.fit(block, tokens, OPTIONS).bestStep()).isPositive();
      }
      assertThat(Torch.liveObjects()).isEqualTo(live);
    }
  }

  @Test
  void moreTokensAreWorthMoreSteps() {
    assertThat(steps(100)).isEqualTo(300);
    assertThat(steps(131_072)).isEqualTo(300);
    assertThat(steps(524_288)).isEqualTo(512);
    assertThat(steps(50_000_000_000L)).isEqualTo(1000);
  }

  private static int steps(long tokens) {
    return FitOptions.forTokens(tokens).training().schedule().steps();
  }

  @Test
  void theRateRisesAndFalls() {
    var rates = OPTIONS.training().schedule();
    assertThat(rates.at(0)).isLessThan(rates.at(5));
    assertThat(rates.at(6)).isEqualTo(0.03, within(1e-9));
    assertThat(rates.at(59)).isLessThan(1e-4);
  }
}
