package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class RefitTest {
  private static final RefitOptions OPTIONS = RefitOptions.DEFAULT;

  @Test
  void allExpertsKeptIsTheIdentity() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      var result = Refit.refit(block, Fixture.tokens(block, 2, 640), OPTIONS);
      assertThat(Fixture.difference(result.block(), block)).isLessThan(1e-5);
    }
  }

  @Test
  void lowersTheErrorOfADroppedBlock() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 6, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(block, 2, 1600);
      MoeBlock kept = ReducedBlock.keep(block, List.of(0, 2, 3)).block();
      var result = Refit.refit(kept, tokens, OPTIONS);
      assertThat(result.trainingAfter()).isLessThan(0.8 * result.trainingBefore());
      assertThat(result.heldOutAfter()).isLessThan(0.8 * result.heldOutBefore());
      assertThat(BlockError.of(result.block(), tokens, tokens.split().heldOut()).relative())
          .isCloseTo(result.heldOutAfter(), within(1e-5));
      assertThat(result.scarce()).isEmpty();
      assertThat(result.unrouted()).isEmpty();
    }
  }

  @Test
  void oneExpertAndNoRidgeIsLeastSquares() {
    try (var _ = Scope.open()) {
      MoeBlock teacher = Fixture.block(1, 2, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(teacher, 2, 640);
      List<Expert> changed = new ArrayList<>(teacher.experts());
      Expert first = changed.getFirst();
      changed.set(0, new Expert(first.gate(), first.up(), first.down().mul(0.3)));
      MoeBlock damaged = new MoeBlock(teacher.router(), changed, teacher.shared());
      var result = Refit.refit(damaged, tokens, new RefitOptions(20, List.of(1e-8), 0));
      assertThat(Fixture.difference(result.block(), teacher)).isLessThan(1e-3);
    }
  }

  /** Features are rounded to BF16, sums are not. */
  @Test
  void bfloat16FindsWhatFloat32Finds() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 6, Dtype.BF16);
      TokenMatrix tokens = Fixture.tokens(block, 2, 1600);
      MoeBlock kept = ReducedBlock.keep(block, List.of(0, 2, 3)).block();
      var result = Refit.refit(kept, tokens, OPTIONS);
      MoeBlock wide = kept.with(kept.router().with(wide(kept.router().weight())), wide(kept));
      var exact = Refit.refit(wide, wide(tokens), OPTIONS);
      assertThat(result.heldOutBefore()).isCloseTo(exact.heldOutBefore(), within(0.01));
      assertThat(result.heldOutAfter()).isCloseTo(exact.heldOutAfter(), within(0.01));
      assertThat(BlockError.of(result.block(), tokens, tokens.split().heldOut()).relative())
          .isCloseTo(result.heldOutAfter(), within(0.01));
    }
  }

  private static Tensor wide(Tensor tensor) {
    return tensor.to(Dtype.F32);
  }

  private static List<Expert> wide(MoeBlock block) {
    return block.experts().stream().map(e -> e.map((_, part) -> wide(part))).toList();
  }

  private static TokenMatrix wide(TokenMatrix tokens) {
    return new TokenMatrix(wide(tokens.inputs()), wide(tokens.targets()), tokens.split());
  }

  @Test
  void neverRaisesTheErrorOfTargetsThatAreNoise() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      TokenMatrix right = Fixture.tokens(block, 2, 160);
      var noise = Fixture.random(9, 1, 160, Fixture.HIDDEN).to(Dtype.F32);
      var tokens = new TokenMatrix(right.inputs(), noise, right.split());
      var result = Refit.refit(block, tokens, OPTIONS);
      assertThat(result.trainingAfter()).isLessThanOrEqualTo(result.trainingBefore());
      assertThat(result.heldOutAfter()).isLessThanOrEqualTo(result.heldOutBefore());
    }
  }

  @Test
  void permutingTheExpertsPermutesTheResult() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 6, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(block, 2, 1600);
      MoeBlock kept = ReducedBlock.keep(block, List.of(0, 2, 3)).block();
      MoeBlock permuted = ReducedBlock.keep(block, List.of(3, 0, 2)).block();
      MoeBlock one = Refit.refit(kept, tokens, OPTIONS).block();
      MoeBlock other = Refit.refit(permuted, tokens, OPTIONS).block();
      var back = ReducedBlock.keep(other, List.of(1, 2, 0)).block();
      assertThat(Fixture.difference(back, one)).isLessThan(1e-4);
    }
  }

  @Test
  void namesExpertsWithFewTokens() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 8, Dtype.F32);
      var result = Refit.refit(block, Fixture.tokens(block, 2, 32), OPTIONS);
      assertThat(result.scarce()).isNotEmpty();
    }
  }

  @Test
  void leavesExpertsWithoutTokensAlone() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 3, Dtype.F32);
      var shifted = block.router().weight().copy();
      shifted.select(0, 1).fillInPlace(0);
      var inputs = Tensors.full(1, Dtype.F32, 640, Fixture.HIDDEN);
      shifted.select(0, 0).fillInPlace(1);
      shifted.select(0, 2).fillInPlace(2);
      MoeBlock lonely = new MoeBlock(block.router().with(shifted), block.experts(), block.shared());
      var split = TokenSplit.draw(Collections.nCopies(40, 16), 0);
      var target = Fixture.random(5, 1, 640, Fixture.HIDDEN).to(Dtype.F32);
      var refitted = Refit.refit(lonely, new TokenMatrix(inputs, target, split), OPTIONS);
      assertThat(refitted.unrouted()).containsExactly(1);
      assertThat(
              Fixture.difference(
                  refitted.block().experts().get(1).down(), block.experts().get(1).down()))
          .isZero();
    }
  }

  @Test
  void leavesItsInputsAloneAndLeaksNothing() {
    try (var _ = Scope.open()) {
      MoeBlock block = Fixture.block(1, 4, Dtype.F32);
      TokenMatrix tokens = Fixture.tokens(Fixture.block(2, 4, Dtype.F32), 3, 640);
      List<float[]> before = block.experts().stream().map(e -> e.down().toFloats()).toList();
      long live = Torch.liveObjects();
      try (var _ = Scope.open()) {
        var result = Refit.refit(block, tokens, OPTIONS);
        assertThat(result.heldOutAfter()).isLessThan(result.heldOutBefore());
      }
      assertThat(Torch.liveObjects()).isEqualTo(live);
      for (int e = 0; e < before.size(); e++) {
        assertThat(block.experts().get(e).down().toFloats()).containsExactly(before.get(e));
      }
    }
  }
}
