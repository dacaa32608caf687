package dev.smelt.io;

import static dev.smelt.io.TestFiles.f32;
import static dev.smelt.io.TestFiles.tensors;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointVerifierTest {
  @TempDir Path directory;

  private List<String> problems() {
    return CheckpointVerifier.problems(directory);
  }

  private void single(float... values) {
    TestFiles.checkpoint(
        directory, "{}", tensors("t", f32(List.of((long) values.length / 2, 2L), values)));
  }

  @Test
  void aSoundCheckpointHasNone() {
    single(1, 2, 3, Float.MAX_VALUE);
    assertThat(problems()).isEmpty();
  }

  @Test
  void namesValuesThatAreNotFinite() {
    single(1, 2, 3, Float.NEGATIVE_INFINITY);
    assertThat(problems())
        .singleElement()
        .asString()
        .endsWith("model.safetensors: tensor t: the value at [1, 1] is NaN or infinite");
  }

  @Test
  void namesStaleFilesAndAnIndexThatMiscounts() {
    single(1, 2);
    TestFiles.safetensors(
        directory.resolve("model-00001-of-00002.safetensors"), tensors("t", f32(List.of(), 1)));
    TestFiles.text(directory.resolve("model.safetensors.index.json"), "{}");
    assertThat(problems())
        .satisfiesExactly(
            first -> assertThat(first).contains("model-00001-of-00002.safetensors: is stale"),
            second -> assertThat(second).contains("index.json: is stale"));
  }

  @Test
  void comparesTheStatedSize() {
    TestFiles.text(directory.resolve("config.json"), "{}");
    TestFiles.safetensors(
        directory.resolve("model-00001-of-00001.safetensors"), tensors("t", f32(List.of(), 1)));
    Path index = directory.resolve("model.safetensors.index.json");
    String map = "\"weight_map\": {\"t\": \"model-00001-of-00001.safetensors\"}}";
    TestFiles.text(index, "{\"metadata\": {\"total_size\": 4.0}, " + map);
    assertThat(problems()).isEmpty();
    TestFiles.text(index, "{\"metadata\": {\"total_size\": 5}, " + map);
    assertThat(problems().getFirst()).contains("total_size: expected 4", "found 5");
    TestFiles.text(index, "{" + map);
    assertThat(problems().getFirst()).contains("metadata: expected an object, found none");
  }

  @Test
  void reportsWhatCannotBeOpened() {
    TestFiles.text(directory.resolve("config.json"), "{}");
    TestFiles.raw(directory.resolve("model.safetensors"), "{\"a\": 1, \"b\": 2}");
    assertThat(problems()).hasSize(2);
  }
}
