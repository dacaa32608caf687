package dev.smelt.model.attention;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Attention in blocks against the full matrix of scores. */
class AttentionCoreTest {
  private static final int LENGTH = 301;
  private static final double SCALE = 0.4;

  @Test
  void windowsInBlocks() {
    check(new AttentionCore(SCALE, OptionalLong.of(37), OptionalLong.empty(), Optional.empty()));
  }

  @Test
  void chunks() {
    check(new AttentionCore(SCALE, OptionalLong.empty(), OptionalLong.of(64), Optional.empty()));
  }

  @Test
  void sinksWithWindow() {
    try (var _ = Scope.open()) {
      Tensor sinks = Tensors.ofDoubles(new double[] {0.5, -1, 2, 0}, 4);
      check(
          new AttentionCore(SCALE, OptionalLong.of(37), OptionalLong.empty(), Optional.of(sinks)));
    }
  }

  @Test
  void sinksAlone() {
    try (var _ = Scope.open()) {
      Tensor sinks = Tensors.ofDoubles(new double[] {0.5, -1, 2, 0}, 4);
      check(
          new AttentionCore(SCALE, OptionalLong.empty(), OptionalLong.empty(), Optional.of(sinks)));
    }
  }

  private static void check(AttentionCore core) {
    try (var _ = Scope.open()) {
      Tensor q = random(1, 2, 4, LENGTH, 6);
      Tensor k = random(2, 2, 2, LENGTH, 6);
      Tensor v = random(3, 2, 2, LENGTH, 5);
      Tensor difference = core.attend(q, k, v).sub(plain(core, q, k, v));
      assertThat(difference.abs().max().item()).isLessThan(1e-12);
    }
  }

  /** The definition: all scores, then a softmax in which a sink takes part. */
  private static Tensor plain(AttentionCore core, Tensor q, Tensor k, Tensor v) {
    Tensor keys = repeated(k);
    Tensor values = repeated(v);
    double[] mask = new double[LENGTH * LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      for (int j = 0; j < LENGTH; j++) {
        boolean seen =
            j <= i
                && i - j < core.window().orElse(LENGTH)
                && i / core.chunk().orElse(LENGTH) == j / core.chunk().orElse(LENGTH);
        mask[i * LENGTH + j] = seen ? 0 : Double.NEGATIVE_INFINITY;
      }
    }
    Tensor scores =
        q.matmul(keys.transpose(2, 3))
            .mul(core.scale())
            .add(Tensors.ofDoubles(mask, LENGTH, LENGTH));
    Tensor weights = scores.exp();
    Tensor sum = weights.sum(-1).unsqueeze(-1);
    Tensor all = core.sinks().map(s -> sum.add(s.exp().reshape(1, -1, 1, 1))).orElse(sum);
    return weights.div(all).matmul(values);
  }

  /** Each of the 2 heads for the 2 query heads that share it. */
  private static Tensor repeated(Tensor heads) {
    return heads.indexSelect(1, Tensors.ofInts(new int[] {0, 0, 1, 1}));
  }

  private static Tensor random(long seed, long... shape) {
    Random random = new Random(seed);
    double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(values, i -> random.nextGaussian());
    return Tensors.ofDoubles(values, shape).to(Dtype.F64);
  }
}
