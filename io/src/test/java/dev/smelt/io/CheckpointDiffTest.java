package dev.smelt.io;

import static dev.smelt.io.TestFiles.tensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointDiffTest {
  @TempDir Path directory;

  private Diff diff(
      String configA,
      SequencedMap<String, TestFiles.Values> tensorsA,
      String configB,
      SequencedMap<String, TestFiles.Values> tensorsB) {
    Path pathA = TestFiles.checkpoint(directory.resolve("a"), configA, tensorsA);
    Path pathB = TestFiles.checkpoint(directory.resolve("b"), configB, tensorsB);
    try (Checkpoint a = Checkpoint.open(pathA);
        Checkpoint b = Checkpoint.open(pathB)) {
      return CheckpointDiff.between(a, b);
    }
  }

  @Test
  void sortsTensorsIntoFourKinds() {
    List<Long> two = List.of(2L);
    Diff diff =
        diff(
            "{}",
            tensors(
                "same", TestFiles.f32(two, 1, 2),
                "moved", TestFiles.f32(two, 3, 4),
                "cast", TestFiles.f32(two, 1, 0.5f),
                "counted", TestFiles.i64(List.of(1L), 3),
                "gone", TestFiles.f32(two, 0, 0),
                "shaped", TestFiles.f32(two, 0, 0)),
            "{}",
            tensors(
                "new", TestFiles.f32(two, 1, 2),
                "moved", TestFiles.f32(two, 3, 1),
                "counted", TestFiles.i64(List.of(1L), 4),
                "cast", TestFiles.bf16(two, 1, 0.5f),
                "same", TestFiles.f32(two, 1, 2),
                "shaped", TestFiles.f32(List.of(2L, 1L), 0, 0)));
    assertThat(diff.tensors())
        .extracting(tensor -> tensor.name() + " " + tensor.kind())
        .containsExactly(
            "same EQUAL",
            "moved CHANGED",
            "cast CHANGED",
            "counted CHANGED",
            "gone GONE",
            "shaped CHANGED",
            "new ADDED");
    assertThat(diff.tensors().get(1).change()).hasValue(new Diff.Change(3.0 / 5, 3));
    assertThat(diff.tensors().get(2).change()).hasValue(new Diff.Change(0, 0));
    assertThat(diff.tensors().get(3).change()).isEmpty();
    assertThat(diff.tensors().get(5).change()).isEmpty();
    assertThat(diff.count(Diff.Kind.CHANGED)).isEqualTo(4);
    assertThat(diff.largestRelativeError()).hasValue(0.6);
    assertThat(diff.isEmpty()).isFalse();
  }

  @Test
  void measuresManyValuesOfMixedTypes() {
    int count = 20_001;
    float[] x = new float[count];
    float[] y = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 1;
      y[i] = i == count - 1 ? 3 : 1.5f;
    }
    List<Long> shape = List.of((long) count);
    Diff diff =
        diff(
            "{}",
            tensors("t", TestFiles.f32(shape, x)),
            "{}",
            tensors("t", TestFiles.bf16(shape, y)));
    Diff.Change change = diff.tensors().getFirst().change().orElseThrow();
    double expected = Math.sqrt((20_000 * 0.25 + 4) / count);
    assertThat(change.relativeError()).isCloseTo(expected, within(1e-12));
    assertThat(change.maxAbsolute()).isEqualTo(2);
  }

  @Test
  void listsConfigFieldsThatDiffer() {
    SequencedMap<String, TestFiles.Values> none = tensors("t", TestFiles.f32(List.of(1L), 1));
    Diff diff =
        diff(
            "{\"a\": 1, \"t\": {\"n\": 8, \"same\": [1, 2]}, \"old\": null}",
            none,
            "{\"t\": {\"same\": [1,2], \"n\": 4, \"m\": {\"k\": 1}}, \"a\": 1.0}",
            none);
    assertThat(diff.config())
        .containsExactly(
            new Diff.FieldDifference("a", Optional.of("1"), Optional.of("1.0")),
            new Diff.FieldDifference("t.n", Optional.of("8"), Optional.of("4")),
            new Diff.FieldDifference("t.m", Optional.empty(), Optional.of("{\"k\":1}")),
            new Diff.FieldDifference("old", Optional.of("null"), Optional.empty()));
  }

  @Test
  void sameCheckpointHasNoDifference() {
    SequencedMap<String, TestFiles.Values> tensors =
        tensors("t", TestFiles.f32(List.of(1L), Float.NaN));
    assertThat(diff("{\"a\": 1}", tensors, "{ \"a\":1 }", tensors).isEmpty()).isTrue();
  }
}
