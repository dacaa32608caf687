package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @TempDir Path directory;

  @Test
  void readsTensorsAndConfiguration() {
    LinkedHashMap<String, TestFiles.Values> tensors = new LinkedHashMap<>();
    tensors.put("b", TestFiles.f32(List.of(2L), 1.5f, -2f));
    tensors.put("a", TestFiles.i64(List.of(1L, 1L), 7));
    TestFiles.checkpoint(directory, "{\"model_type\": \"mixtral\", \"n\": {\"k\": 2}}", tensors);
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensors().sequencedKeySet()).containsExactly("b", "a");
      assertThat(checkpoint.data("b").get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4)).isEqualTo(-2f);
      assertThat(checkpoint.data("a").get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isEqualTo(7);
      assertThat(checkpoint.config().integer("n.k")).hasValue(2L);
      assertThat(checkpoint.totalBytes()).isEqualTo(16);
      assertThat(checkpoint.fingerprint()).hasSize(64);
    }
  }
}
