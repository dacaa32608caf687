package dev.smelt.model.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void scopeFreesWhatIsNotKept() {
    long before = Torch.liveObjects();
    try (var _ = Scope.open()) {
      Tensor kept;
      try (var inner = Scope.open()) {
        Tensor a = Tensors.ofFloats(new float[] {1, 2, 3, 4}, 2, 2);
        kept = inner.keep(a.matmul(a).add(1));
      }
      assertThat(kept.toFloats()).containsExactly(8, 11, 16, 23);
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  @Test
  void keptWithoutScopeLivesUntilClosed() {
    long before = Torch.liveObjects();
    Tensor kept;
    try (var scope = Scope.open()) {
      kept = scope.keep(Tensors.full(3, Dtype.F64, 2));
    }
    assertThat(kept.toDoubles()).containsExactly(3, 3);
    kept.close();
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  @Test
  void memoryIsUsedWithoutCopying() {
    try (var arena = Arena.ofConfined();
        var scope = Scope.open()) {
      var memory = arena.allocate(ValueLayout.JAVA_FLOAT, 4);
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, 3, 5f);
      Tensor tensor = Tensors.ofMemory(memory, Dtype.F32, 2, 2);
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 7f);
      assertThat(scope.keep(tensor).toFloats()).containsExactly(7, 0, 0, 5);
    }
  }

  @Test
  void roundedFactorsStillAddUpInFloat32() {
    try (var _ = Scope.open()) {
      Tensor a = Tensors.range(64L * 512, Dtype.F32).mul(0.37).sigmoid().reshape(64, 512);
      Tensor b = Tensors.range(512L * 32, Dtype.F32).mul(0.71).sigmoid().reshape(512, 32);
      double[] exact = a.to(Dtype.F64).matmul(b.to(Dtype.F64)).toDoubles();
      double[] rounded = Torch.roundingFactors(() -> a.matmul(b).toDoubles());
      double[] after = a.matmul(b).toDoubles();
      for (int i = 0; i < exact.length; i++) {
        assertThat(rounded[i]).isCloseTo(exact[i], within(1e-3 * exact[i]));
        assertThat(after[i]).isCloseTo(exact[i], within(1e-6 * exact[i]));
      }
    }
  }

  @Test
  void topKAndSoftmax() {
    try (var scope = Scope.open()) {
      Tensor logits = Tensors.ofFloats(new float[] {1, 3, 2}, 1, 3);
      var top = scope.keep(logits).topK(2);
      assertThat(top.indices().toLongs()).containsExactly(1, 2);
      assertThat(logits.softmax(-1).sum().item()).isEqualTo(1, within(1e-6));
    }
  }

  @Test
  void gradientsAreRecordedOnlyOnRequest() {
    try (var scope = Scope.open()) {
      Tensor x = scope.keep(Tensors.ofFloats(new float[] {1, 2}, 2).to(Dtype.F64));
      Tensor unused = Tensors.zeros(Dtype.F64, 3);
      Autograd.require(x);
      Autograd.require(unused);
      try (var recording = Autograd.record()) {
        var gradients = recording.gradients(x.square().sum(), List.of(x, unused));
        assertThat(gradients.get(0).toDoubles()).containsExactly(2, 4);
        assertThat(gradients.get(1).toDoubles()).containsExactly(0, 0, 0);
      }
    }
  }

  @Test
  void attentionSharesKeyValueHeads() {
    try (var scope = Scope.open()) {
      Tensor q = Tensors.ofFloats(new float[] {1, 2, 3, 4}, 1, 4, 1, 1);
      Tensor k = Tensors.ofFloats(new float[] {1, 1}, 1, 2, 1, 1);
      Tensor v = Tensors.ofFloats(new float[] {5, 6}, 1, 2, 1, 1);
      Tensor y = scope.keep(q.attend(k, v, Optional.empty(), 1));
      assertThat(y.toFloats()).containsExactly(5, 5, 6, 6);
    }
  }
}
