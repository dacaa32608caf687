package dev.smelt.routing.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.train.TrainingHistory.Stop;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {
  private static final int TARGETS = 7;

  @TempDir private Path directory;

  /** Pulls a vector and a matrix towards points that are walked through in random order. */
  private static final class Pull implements TrainingTask {
    private final List<Tensor> parameters =
        List.of(
            Tensors.ofDoubles(new double[] {1, -2, 3}, 3),
            Tensors.ofDoubles(new double[] {4, 0.5}, 1, 2));
    private final RandomOrder order = new RandomOrder(IntStream.range(0, TARGETS).toArray(), 2, 3);
    private int batches;
    private int spoilAt = Integer.MAX_VALUE;
    private int killAt = Integer.MAX_VALUE;

    @Override
    public List<Tensor> parameters() {
      return parameters;
    }

    @Override
    public Batch next() {
      int[] targets = order.next();
      double target = (targets[0] + targets[1]) / 10.0;
      if (batches == killAt) {
        throw new IllegalStateException("killed");
      }
      double loss = batches == spoilAt ? Double.NaN : distance(target);
      batches++;
      return new Batch(loss, parameters.stream().map(p -> p.add(-target).mul(2)).toList(), 5);
    }

    @Override
    public void skip(int count) {
      order.skip(count);
      batches += count;
    }

    @Override
    public double heldOut() {
      return distance(0.6);
    }

    private double distance(double target) {
      return parameters.stream().mapToDouble(p -> p.add(-target).square().sum().item()).sum();
    }
  }

  private static TrainingOptions options(double rate, int steps, int patience) {
    var schedule = new Schedule(rate, steps, 0.1, Schedule.Decay.COSINE);
    return new TrainingOptions(schedule, AdamW.Options.DISTILLATION, 1.5, 4, patience, 6);
  }

  private static Training.Result run(Pull task, TrainingOptions options, TrainingState state) {
    return Training.run(task, options, state, TrainingObserver.NONE);
  }

  @Test
  void keepsTheBestWeights() {
    try (var _ = Scope.open()) {
      Pull task = new Pull();
      var result = run(task, options(0.2, 60, 0), TrainingState.NONE);
      TrainingHistory history = result.history();
      assertThat(history.stop()).isEqualTo(Stop.FINISHED);
      assertThat(history.points()).hasSize(60);
      assertThat(history.points().getLast().tokens()).isEqualTo(300);
      assertThat(history.heldOutAfter()).isLessThan(0.1 * history.heldOutBefore());
      double least =
          history.points().stream()
              .flatMap(p -> p.heldOut().stream())
              .mapToDouble(h -> h)
              .min()
              .orElseThrow();
      assertThat(history.heldOutAfter()).isEqualTo(least);
      for (int p = 0; p < 2; p++) {
        task.parameters().get(p).copyFrom(result.best().get(p));
      }
      assertThat(task.heldOut()).isEqualTo(least);
    }
  }

  @Test
  void aKilledRunGoesOnToTheSameWeights() {
    try (var _ = Scope.open()) {
      var straight = run(new Pull(), options(0.2, 40, 0), TrainingState.NONE);
      TrainingState state = new TrainingState(Optional.of(directory.resolve("state")));
      Pull killed = new Pull();
      killed.killAt = 27;
      assertThatThrownBy(() -> run(killed, options(0.2, 40, 0), state)).hasMessage("killed");
      List<TrainingPoint> resumed = new ArrayList<>();
      var observer =
          new TrainingObserver() {
            @Override
            public void stepped(TrainingPoint point) {
              assertThat(point.step()).isGreaterThan(24);
            }

            @Override
            public void resumed(List<TrainingPoint> points) {
              resumed.addAll(points);
            }
          };
      var result = Training.run(new Pull(), options(0.2, 40, 0), state, observer);
      assertThat(resumed).hasSize(24);
      assertThat(result.history()).isEqualTo(straight.history());
      for (int p = 0; p < 2; p++) {
        assertThat(result.best().get(p).toDoubles()).isEqualTo(straight.best().get(p).toDoubles());
      }
    }
  }

  @Test
  void stopsWhenNothingImproves() {
    try (var _ = Scope.open()) {
      var history = run(new Pull(), options(3, 400, 3), TrainingState.NONE).history();
      assertThat(history.stop()).isEqualTo(Stop.EARLY);
      assertThat(history.points()).hasSizeLessThan(400);
      assertThat(history.points().size() - history.bestStep()).isEqualTo(12);
    }
  }

  @Test
  void stopsAtALossThatIsNotANumber() {
    try (var _ = Scope.open()) {
      Pull task = new Pull();
      task.spoilAt = 10;
      var result = run(task, options(0.2, 60, 0), TrainingState.NONE);
      assertThat(result.history().stop()).isEqualTo(Stop.DIVERGED);
      assertThat(result.history().points()).hasSize(10);
      assertThat(result.history().bestStep()).isEqualTo(8);
      assertThat(result.best().getFirst().toDoubles()).doesNotContain(Double.NaN);
    }
  }

  @Test
  void stopsAtALossThatGrowsWithoutBounds() {
    try (var _ = Scope.open()) {
      var history = run(new Pull(), options(1e6, 60, 0), TrainingState.NONE).history();
      assertThat(history.stop()).isEqualTo(Stop.DIVERGED);
      assertThat(history.bestStep()).isZero();
      assertThat(history.points()).hasSizeLessThan(5);
    }
  }

  /** Two steps of torch.optim.AdamW with lr 0.1, betas (0.9, 0.98), eps 1e-6, decay 0.01. */
  @Test
  void oneStepIsThatOfTorch() {
    try (var _ = Scope.open()) {
      Tensor matrix = Tensors.ofDoubles(new double[] {1, -2, 0.5}, 1, 3);
      Tensor gradient = Tensors.ofDoubles(new double[] {0.3, -0.1, 2}, 1, 3);
      AdamW adam = new AdamW(List.of(matrix), AdamW.Options.DISTILLATION);
      adam.step(List.of(gradient), 0.1);
      adam.step(List.of(gradient.mul(-0.5)), 0.1);
      double[] expected = {0.8713906746083943, -1.8693925665263726, 0.3723897955394072};
      double[] actual = matrix.toDoubles();
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).isEqualTo(expected[i], within(1e-12));
      }
    }
  }

  @Test
  void longTensorsAreUpdatedAsShortOnesAre() {
    int length = 150_000;
    try (var _ = Scope.open()) {
      double[] values = IntStream.range(0, length).mapToDouble(i -> Math.sin(i)).toArray();
      Tensor whole = Tensors.ofDoubles(values, 3, length / 3);
      List<Tensor> rows =
          IntStream.range(0, 3).mapToObj(r -> whole.narrow(0, r, 1).copy()).toList();
      Tensor gradient = whole.mul(0.3).add(0.1);
      new AdamW(List.of(whole), AdamW.Options.DISTILLATION).step(List.of(gradient), 0.01);
      List<Tensor> parts = IntStream.range(0, 3).mapToObj(r -> gradient.narrow(0, r, 1)).toList();
      new AdamW(rows, AdamW.Options.DISTILLATION).step(parts, 0.01);
      assertThat(Tensors.concat(rows, 0).toDoubles()).isEqualTo(whole.toDoubles());
    }
  }

  @Test
  void leaksNothing() {
    try (var _ = Scope.open()) {
      run(new Pull(), options(0.2, 5, 0), TrainingState.NONE);
      long live = Torch.liveObjects();
      try (var _ = Scope.open()) {
        run(new Pull(), options(0.2, 5, 0), TrainingState.NONE);
      }
      assertThat(Torch.liveObjects()).isEqualTo(live);
    }
  }
}
