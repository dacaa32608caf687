package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MaskTest {
  private static final MaskScore.Place PLACE = new MaskScore.Place(2, 5, ExpertPart.DOWN);

  @TempDir private Path directory;

  private static Tensor random(long seed, int rows, int columns) {
    Random random = new Random(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.abs(random.nextGaussian());
    }
    return Tensors.ofFloats(values, rows, columns);
  }

  @Test
  void everyRowKeepsItsBest() {
    try (var _ = Scope.open()) {
      Tensor scores = Tensors.ofFloats(new float[] {3, 1, 2, 4, 5, 5, 5, 0}, 2, 4);
      Tensor mask = MaskPattern.of("unstructured", Optional.of(0.5)).rows(scores);
      assertThat(mask.toFloats()).containsExactly(1, 0, 0, 1, 1, 1, 0, 0);
    }
  }

  @Test
  void ofFourNeighboursTwoAreKept() {
    try (var _ = Scope.open()) {
      Tensor scores = Tensors.ofFloats(new float[] {1, 2, 3, 4, 9, 0, 0, 8}, 1, 8);
      Tensor mask = MaskPattern.of("2:4", Optional.empty()).groups(scores, "m");
      assertThat(mask.toFloats()).containsExactly(0, 0, 1, 1, 1, 0, 0, 1);
    }
  }

  @Test
  void aThresholdKeepsTheBestOfManyMatrices() {
    try (var _ = Scope.open()) {
      List<Tensor> matrices = List.of(random(1, 30, 40), random(2, 20, 50).mul(3), random(3, 7, 9));
      double[] counts = new double[1 << 15];
      List<Float> all = new ArrayList<>();
      for (Tensor matrix : matrices) {
        double[] own = MaskThreshold.counts(matrix);
        Arrays.setAll(counts, i -> counts[i] + own[i]);
        for (float value : matrix.toFloats()) {
          all.add(value);
        }
      }
      for (double share : new double[] {0, 0.1, 0.5, 0.93, 1}) {
        long kept = Math.round(share * all.size());
        MaskThreshold threshold = MaskThreshold.keeping(counts, kept);
        double masked = 0;
        double value = 0;
        for (Tensor matrix : matrices) {
          Tensor mask = threshold.apply(matrix);
          masked += mask.sum().item();
          value += mask.mul(matrix).sum().item();
        }
        assertThat(Math.abs(masked - kept)).as("share " + share).isLessThanOrEqualTo(2);
        List<Float> sorted = new ArrayList<>(all);
        sorted.sort(Collections.reverseOrder());
        double best = sorted.subList(0, (int) kept).stream().mapToDouble(v -> v).sum();
        assertThat(value).isBetween(0.995 * best - 1, best + 5);
      }
    }
  }

  @Test
  void equalScoresAreKeptFromTheFirst() {
    try (var _ = Scope.open()) {
      Tensor scores = Tensors.full(0.5, Dtype.F32, 2, 5);
      MaskThreshold threshold = MaskThreshold.keeping(MaskThreshold.counts(scores), 4);
      assertThat(threshold.apply(scores).toFloats()).containsExactly(1, 1, 1, 1, 0, 0, 0, 0, 0, 0);
    }
  }

  @Test
  void wandaIsMagnitudeTimesTheNormOfTheInput() {
    try (var _ = Scope.open()) {
      Tensor weights = Tensors.ofFloats(new float[] {1, -2, 3, -4}, 2, 2);
      Tensor norms = Tensors.ofFloats(new float[] {10, 0.5f}, 2);
      float[] scores = MaskScore.WANDA.of(PLACE, weights, Optional.of(norms), 0).toFloats();
      assertThat(scores).containsExactly(10, 1, 30, 2);
    }
  }

  @Test
  void randomScoresDependOnSeedAndPlaceAlone() {
    try (var _ = Scope.open()) {
      Tensor weights = random(1, 4, 6);
      float[] one = MaskScore.RANDOM.of(PLACE, weights, Optional.empty(), 3).toFloats();
      float[] same = MaskScore.RANDOM.of(PLACE, weights.mul(2), Optional.empty(), 3).toFloats();
      float[] other = MaskScore.RANDOM.of(PLACE, weights, Optional.empty(), 4).toFloats();
      var place = new MaskScore.Place(2, 6, ExpertPart.DOWN);
      float[] moved = MaskScore.RANDOM.of(place, weights, Optional.empty(), 3).toFloats();
      assertThat(one).isEqualTo(same).isNotEqualTo(other).isNotEqualTo(moved);
    }
  }

  @Test
  void bitsReadBackAsTheyWere() {
    try (var _ = Scope.open()) {
      Tensor mask = random(9, 3, 11).greater(0.6).to(Dtype.F32);
      var info = new TensorInfo(MaskBits.name(PLACE), Dtype.U8, List.of(3L, 2L));
      Path target = directory.resolve("m");
      var options = new WriterOptions(Long.MAX_VALUE, false);
      try (CheckpointWriter writer = CheckpointWriter.create(target, List.of(info), options)) {
        MaskBits.write(writer, PLACE, mask);
        writer.commit();
      }
      try (SafetensorsFile file = MaskBits.open(target)) {
        assertThat(MaskBits.read(file, PLACE, 3, 11).toFloats()).isEqualTo(mask.toFloats());
      }
    }
  }
}
