package dev.smelt.routing.recover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The gradient of the distillation loss, with respect to all weights of a tiny model of each
 * family, against central differences along random directions, in F64.
 */
class DistillationGradientTest {
  private static final double STEP = 1e-6;
  private static final double TOLERANCE = 2e-4;
  private static final int LENGTH = 12;

  /** Attention that is sparse from a few tokens on, and an encoder-decoder: both are refused. */
  private static final Set<String> REFUSED = Set.of("deepseek_v32_sparse", "switch_transformers");

  @TempDir private Path directory;

  /** Every golden; where experts are quantised, the routers alone are trained. */
  static List<Path> goldens() {
    Path root = Resources.path("golden");
    return Arrays.stream(Objects.requireNonNull(root.toFile().list()))
        .filter(name -> !REFUSED.contains(name))
        .sorted()
        .map(root::resolve)
        .filter(path -> path.resolve("config.json").toFile().exists())
        .toList();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void agreesWithFiniteDifferences(Path golden) {
    try (MoeModel model = MoeModel.open(golden);
        var _ = Scope.open()) {
      TrainedTensors train =
          model.moeLayers().stream().anyMatch(moe -> moe.experts().isQuantised())
              ? TrainedTensors.ROUTER
              : TrainedTensors.ALL;
      List<int[]> sequences = sequences(model.architecture().vocabulary());
      var options = new DistillationOptions(0.7, 0.4, 0.3, 2, 5);
      try (TeacherCache cache =
          TeacherCache.open(
              directory.resolve("teacher"), model, Dtype.F64, sequences, 64, options, _ -> {})) {
        Student student = new Student(model, train.of(model), Dtype.F64);
        move(student.masters(), 3, 0.02);
        var text = new Distillation.Text(sequences, 1, 2, LENGTH);
        Distillation task =
            new Distillation(student, Optional.of(cache), text, options, Optional.empty(), 1);
        check(golden.getFileName().toString(), task, loss(student, cache, sequences, options));
      }
    }
  }

  /** The mean loss of the sequences that are learnt from, with the weights as they are. */
  private interface Loss {
    double now();
  }

  private static Loss loss(
      Student student, TeacherCache cache, List<int[]> sequences, DistillationOptions options) {
    var loss = new DistillationLoss(student, Optional.of(cache), sequences, options);
    return () -> {
      try (var _ = Scope.open()) {
        Weights weights = student.weights(student.leaves());
        return loss.sum(List.of(0, 1), weights).item() / loss.tokens(List.of(0, 1));
      }
    };
  }

  private static void check(String name, Distillation task, Loss loss) {
    var batch = task.next();
    assertThat(batch.loss()).as(name).isEqualTo(loss.now(), within(1e-9));
    for (int direction = 0; direction < 3; direction++) {
      long seed = 100L + direction;
      double actual = 0;
      List<Tensor> along = directions(task.parameters(), seed);
      for (int p = 0; p < along.size(); p++) {
        actual += batch.gradients().get(p).mul(along.get(p)).sum().item();
      }
      move(task.parameters(), seed, STEP);
      double up = loss.now();
      move(task.parameters(), seed, -2 * STEP);
      double down = loss.now();
      move(task.parameters(), seed, STEP);
      double expected = (up - down) / (2 * STEP);
      assertThat(actual)
          .as(name + " direction " + direction)
          .isCloseTo(expected, within(TOLERANCE * Math.max(1e-2, Math.abs(expected))));
    }
  }

  private static List<int[]> sequences(int vocabulary) {
    Random random = new Random(5);
    return IntStream.range(0, 3)
        .mapToObj(i -> random.ints(LENGTH - i, 0, vocabulary).toArray())
        .toList();
  }

  private static List<Tensor> directions(List<Tensor> parameters, long seed) {
    Random random = new Random(seed);
    List<Tensor> directions = new ArrayList<>();
    for (Tensor parameter : parameters) {
      double[] values = new double[(int) parameter.elements()];
      Arrays.setAll(values, _ -> random.nextGaussian());
      directions.add(Tensors.ofDoubles(values, parameter.shape()));
    }
    return directions;
  }

  /** Moves all weights along a random direction, in place. */
  private static void move(List<Tensor> parameters, long seed, double length) {
    try (var _ = Scope.open()) {
      List<Tensor> along = directions(parameters, seed);
      for (int p = 0; p < along.size(); p++) {
        parameters.get(p).addInPlace(along.get(p), length);
      }
    }
  }

  /** Every weight that the forward pass reads is among those that are trained. */
  @ParameterizedTest
  @MethodSource("goldens")
  void nothingOfTheDecoderIsForgotten(Path golden) {
    try (MoeModel model = MoeModel.open(golden)) {
      if (model.moeLayers().stream().anyMatch(moe -> moe.experts().isQuantised())) {
        return;
      }
      Set<StoredTensor> trained = new LinkedHashSet<>(TrainedTensors.ALL.of(model));
      model
          .moeLayers()
          .forEach(
              moe -> {
                assertThat(trained).contains(moe.router()).containsAll(moe.experts().tensors());
                moe.companions().correction().ifPresent(c -> assertThat(trained).doesNotContain(c));
              });
      assertThat(TrainedTensors.EXPERTS.of(model)).isNotEmpty().isSubsetOf(trained);
    }
  }
}
