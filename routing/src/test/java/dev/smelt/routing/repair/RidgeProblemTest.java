package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;

class RidgeProblemTest {
  private static final List<Double> RIDGES = List.of(0.003, 0.1, 1.0, 10.0);

  /** Features and what is missing, of training or held-out tokens. */
  private record Sums(Tensor gram, Tensor cross) {
    static Sums of(long seed, int tokens, Tensor truth, double noise) {
      Tensor z = Fixture.random(seed, 1, tokens, Fixture.WIDTH);
      Tensor r = z.linear(truth).add(Fixture.random(seed + 1, noise, tokens, Fixture.HIDDEN));
      return new Sums(z.transpose(0, 1).matmul(z), z.transpose(0, 1).matmul(r));
    }

    /** By how much a change lowers the sum of squares. */
    double gain(Tensor change) {
      double linear = change.mul(cross.transpose(0, 1)).sum().item();
      return 2 * linear - change.matmul(gram).mul(change).sum().item();
    }

    Tensor solved(double ridge) {
      long width = gram.size(0);
      double mean = gram.diagonal().mean().item();
      Tensor identity = Tensors.oneHot(Tensors.range(width, Dtype.I64), width).to(Dtype.F64);
      Tensor lower = Linalg.cholesky(gram.addScaled(identity, ridge * mean));
      return Linalg.choleskySolve(lower, cross).transpose(0, 1);
    }
  }

  @Test
  void takesTheRidgeWithTheLargestGainAndSolvesAsCholeskyDoes() {
    for (int seed = 0; seed < 20; seed++) {
      try (var _ = Scope.open()) {
        Tensor truth = Fixture.random(seed, 0.3, Fixture.HIDDEN, Fixture.WIDTH);
        Sums training = Sums.of(100 + seed, 12, truth, 1);
        Sums heldOut = Sums.of(200 + seed, 12, truth, 1);
        double[] gains =
            RIDGES.stream().mapToDouble(r -> heldOut.gain(training.solved(r))).toArray();
        int best = 0;
        for (int i = 1; i < gains.length; i++) {
          best = gains[i] > gains[best] ? i : best;
        }
        var problem = RidgeProblem.of(training.gram(), heldOut.gram());
        var step = problem.best(training.cross(), heldOut.cross(), RIDGES);
        assertThat(step.isPresent()).isEqualTo(gains[best] > 0);
        if (step.isPresent()) {
          assertThat(step.get().gain()).isCloseTo(gains[best], within(1e-9));
          Tensor expected = training.solved(RIDGES.get(best));
          assertThat(Fixture.difference(step.get().change(), expected)).isLessThan(1e-10);
        }
      }
    }
  }

  @Test
  void stepsNowhereIfHeldOutTokensSayTheOpposite() {
    try (var _ = Scope.open()) {
      Tensor truth = Fixture.random(1, 1, Fixture.HIDDEN, Fixture.WIDTH);
      Sums training = Sums.of(2, 64, truth, 0);
      Sums heldOut = Sums.of(3, 64, truth.mul(-1), 0);
      var problem = RidgeProblem.of(training.gram(), heldOut.gram());
      assertThat(problem.best(training.cross(), heldOut.cross(), RIDGES)).isEmpty();
    }
  }

  @Test
  void fewerTokensThanUnknownsAreNoObstacle() {
    try (var _ = Scope.open()) {
      Tensor truth = Fixture.random(1, 1, Fixture.HIDDEN, Fixture.WIDTH);
      Sums training = Sums.of(2, 3, truth, 0);
      Sums heldOut = Sums.of(3, 64, truth, 0);
      var problem = RidgeProblem.of(training.gram(), heldOut.gram());
      var step = problem.best(training.cross(), heldOut.cross(), RIDGES).orElseThrow();
      assertThat(heldOut.gain(step.change())).isCloseTo(step.gain(), within(1e-6));
    }
  }

  @Test
  void packingLosesNothing() {
    try (var _ = Scope.open()) {
      Tensor truth = Fixture.random(1, 1, Fixture.HIDDEN, Fixture.WIDTH);
      var problem = RidgeProblem.of(Sums.of(2, 9, truth, 0).gram(), Sums.of(3, 9, truth, 0).gram());
      var back = RidgeProblem.unpacked(problem.packed());
      assertThat(Fixture.difference(back.vectors(), problem.vectors())).isZero();
      assertThat(Fixture.difference(back.values(), problem.values())).isZero();
      assertThat(Fixture.difference(back.judge(), problem.judge())).isZero();
    }
  }
}
