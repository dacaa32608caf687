package dev.smelt.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Dtype;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ParallelTest {
  private int before;

  @BeforeEach
  void useThreeThreads() {
    before = Torch.threads();
    Torch.useThreads(3);
  }

  @AfterEach
  void restore() {
    Torch.useThreads(before);
  }

  @Test
  void everyPieceRunsOnceAndNestedWorkToo() {
    var runs = new AtomicIntegerArray(200);
    Parallel.forEach(20, i -> Parallel.forEach(10, j -> runs.incrementAndGet(i * 10 + j)));
    for (int i = 0; i < runs.length(); i++) {
      assertThat(runs.get(i)).isEqualTo(1);
    }
  }

  @Test
  void workersUseOneThreadEachAndRecordNothing() {
    var threads = new AtomicIntegerArray(8);
    var recording = new AtomicIntegerArray(8);
    Parallel.forEach(
        8,
        i -> {
          threads.set(i, Torch.threads());
          recording.set(i, Autograd.isRecording() ? 1 : 0);
        });
    for (int i = 0; i < 8; i++) {
      assertThat(threads.get(i)).isEqualTo(1);
      assertThat(recording.get(i)).isZero();
    }
    assertThat(Torch.threads()).isEqualTo(3);
  }

  @Test
  void whatAPieceThrowsReachesTheCaller() {
    assertThatThrownBy(
            () ->
                Parallel.forEach(
                    5,
                    i -> {
                      if (i == 3) {
                        throw new IllegalArgumentException("piece 3");
                      }
                    }))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("piece 3");
  }

  @Test
  void blocksOfProductsMakeTheWholeProduct() {
    try (var _ = Scope.open()) {
      for (int rows : new int[] {1, 47, 400}) {
        Tensor left = wave(rows, 160, 0.37);
        Tensor right = wave(190, 160, 0.21);
        Tensor bias = wave(1, 190, 0.5).reshape(190);
        Tensor exact = left.to(Dtype.F64).mm(right.to(Dtype.F64).transpose(0, 1));
        assertNear(left.linear(right), exact);
        assertNear(left.matmul(right.transpose(0, 1)), exact);
        assertNear(left.linear(right, bias), exact.add(bias.to(Dtype.F64)));
        Tensor target = Tensors.empty(Dtype.F32, rows, 190);
        target.linearInto(left, right);
        assertNear(target, exact);
      }
    }
  }

  @Test
  void gradientsOfBlocksAreThoseOfTheWholeProduct() {
    try (var _ = Scope.open();
        var recording = Autograd.record()) {
      Tensor left = wave(401, 160, 0.37).copy();
      Tensor right = wave(190, 160, 0.21).copy();
      Tensor factor = wave(401, 190, 0.11);
      Autograd.require(left);
      Autograd.require(right);
      assertThat(Products.splits(left, right.transpose(0, 1))).isTrue();
      Tensor loss = left.linear(right).mul(factor).sum();
      var gradients = recording.gradients(loss, java.util.List.of(left, right));
      assertNear(gradients.get(0), factor.to(Dtype.F64).mm(right.detach().to(Dtype.F64)));
      assertNear(
          gradients.get(1), factor.to(Dtype.F64).transpose(0, 1).mm(left.detach().to(Dtype.F64)));
    }
  }

  @Test
  void weightedRowsAreSumsOfRows() {
    try (var _ = Scope.open()) {
      Tensor rows = Tensors.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
      Tensor index = Tensors.ofLongs(new long[] {0, 2, 1, 1}, 2, 2);
      Tensor weights = Tensors.ofFloats(new float[] {1, 0.5f, 2, -1}, 2, 2);
      for (Dtype dtype : new Dtype[] {Dtype.F32, Dtype.F64, Dtype.BF16}) {
        Tensor sums = rows.to(dtype).weightedRows(index, weights.to(dtype));
        assertThat(sums.to(Dtype.F32).toFloats()).containsExactly(3.5f, 5, 3, 4);
      }
    }
  }

  private static Tensor wave(int rows, int columns, double frequency) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(frequency * i + 0.001 * i * (i % 7));
    }
    return Tensors.ofFloats(values, rows, columns);
  }

  private static void assertNear(Tensor actual, Tensor exact) {
    assertThat(actual.shape()).isEqualTo(exact.shape());
    double scale = exact.maxAbs();
    assertThat(actual.to(Dtype.F64).sub(exact).maxAbs()).isLessThan(1e-5 * scale);
  }
}
