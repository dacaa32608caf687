package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.TensorStore;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Vectors of sequences in memory and in a file. */
class StateStoreTest {
  private static final List<int[]> SEQUENCES =
      List.of(new int[] {5, 1, 7}, new int[] {2}, new int[] {9, 9, 4, 1}, new int[] {3, 80});

  /** The bytes of all sequences, embedded in batches with padding and stored from a place on. */
  private static byte[] embedded(long memoryLimit, boolean mapped) {
    long before = Torch.liveObjects();
    byte[] all;
    try (MoeModel model = Goldens.open("mixtral");
        StateStore store = StateStore.create(twice(), Dtype.BF16, 32, memoryLimit);
        HiddenStates states =
            HiddenStates.embed(model, TokenBatch.split(SEQUENCES, 8), Dtype.BF16)) {
      assertThat(states.size()).isGreaterThan(1);
      assertThat(store.isMapped()).isEqualTo(mapped);
      assertThat(store.bytes()).isEqualTo(2 * 10 * 32 * 2);
      store.putAll(4, states);
      try (var _ = Scope.open()) {
        Tensor third = model.embed(new TokenBatch(List.of(SEQUENCES.get(2))).ids(), Dtype.BF16);
        assertThat(store.get(6).toDoubles()).isEqualTo(third.toDoubles());
        Tensor places =
            Tensors.concat(Stream.of(0, 1, 2, 3, 4, 5, 6, 7).map(store::get).toList(), 0);
        all = places.memory().toArray(ValueLayout.JAVA_BYTE);
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
    return all;
  }

  private static List<int[]> twice() {
    return Stream.concat(SEQUENCES.stream(), SEQUENCES.stream()).toList();
  }

  @Test
  void aFileAndMemoryHoldTheSameBytes() {
    byte[] inMemory = embedded(1280, false);
    assertThat(embedded(1279, true)).isEqualTo(inMemory);
    assertThat(inMemory).startsWith(new byte[640]).isNotEqualTo(new byte[1280]);
  }

  @Test
  void nothingOfAFileStays() throws IOException {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try (TensorStore store = TensorStore.create(List.of(new long[] {3, 4}), Dtype.F32, 0)) {
      assertThat(store.isMapped()).isTrue();
      try (Stream<Path> files = Files.list(temporary)) {
        assertThat(files.map(file -> file.getFileName().toString()))
            .noneMatch(name -> name.startsWith("smelt-tensors"));
      }
    }
  }

  @Test
  void shapesAreChecked() {
    List<long[]> shapes = List.of(new long[] {3, 4}, new long[] {2});
    try (var _ = Scope.open();
        TensorStore store = TensorStore.create(shapes, Dtype.F32, 1 << 20)) {
      store.put(1, Tensors.ofDoubles(new double[] {1, -2}, 2));
      assertThat(store.get(1).toDoubles()).containsExactly(1, -2);
      assertThat(store.get(0).toDoubles()).containsOnly(0);
      assertThatThrownBy(() -> store.put(0, Tensors.zeros(Dtype.F32, 4, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[4, 3]")
          .hasMessageContaining("[3, 4]");
    }
  }
}
