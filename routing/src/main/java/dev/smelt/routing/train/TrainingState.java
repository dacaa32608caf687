package dev.smelt.routing.train;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Where a training stores what it needs to go on after it was killed: weights, moments of the
 * gradients, the best weights, and the steps so far. The directory is replaced as a whole, so it is
 * always that of one step.
 *
 * <p>Disk: four copies of the trained weights, twice while a state replaces the last one.
 *
 * @param directory the directory; without one nothing is stored
 */
public record TrainingState(Optional<Path> directory) {
  /** Nothing is stored. */
  public static final TrainingState NONE = new TrainingState(Optional.empty());

  private static final int COLUMNS = 6;

  /** Whether an earlier run has stored something. */
  boolean exists() {
    return directory.filter(Files::exists).isPresent();
  }

  /**
   * What a training knows beside its tensors.
   *
   * @param points the steps so far
   * @param before held-out loss at the start
   * @param best lowest held-out loss
   * @param bestStep after which it was seen
   * @param misses looks since then
   */
  record Progress(
      List<TrainingPoint> points, double before, double best, int bestStep, int misses) {}

  /** Stores tensors of some names and what is known. */
  void save(SequencedMap<String, List<Tensor>> tensors, Progress progress) {
    if (directory.isEmpty()) {
      return;
    }
    try (var _ = Scope.open()) {
      SequencedMap<String, Tensor> all = new LinkedHashMap<>();
      tensors.forEach(
          (name, list) -> {
            for (int i = 0; i < list.size(); i++) {
              all.put(name + "." + i, list.get(i).detach());
            }
          });
      all.put(
          "progress",
          Tensors.ofDoubles(
              new double[] {
                progress.before(), progress.best(), progress.bestStep(), progress.misses()
              },
              4));
      all.put("points", points(progress.points()));
      TensorFile.write(directory.orElseThrow(), all);
    }
  }

  /** Restores the tensors in place; says what was known. */
  Progress restore(SequencedMap<String, List<Tensor>> tensors) {
    try (TensorFile file = TensorFile.open(directory.orElseThrow());
        var _ = Scope.open()) {
      tensors.forEach(
          (name, list) -> {
            for (int i = 0; i < list.size(); i++) {
              Tensor target = list.get(i).detach();
              target.copyFrom(file.tensor(name + "." + i));
            }
          });
      double[] known = file.tensor("progress").toDoubles();
      return new Progress(
          points(file.tensor("points")), known[0], known[1], (int) known[2], (int) known[3]);
    }
  }

  /** Points as rows, F64; -1 stands for a loss that was not measured. */
  private static Tensor points(List<TrainingPoint> points) {
    double[] values = new double[COLUMNS * points.size()];
    for (int i = 0; i < points.size(); i++) {
      TrainingPoint point = points.get(i);
      values[COLUMNS * i] = point.step();
      values[COLUMNS * i + 1] = point.tokens();
      values[COLUMNS * i + 2] = point.rate();
      values[COLUMNS * i + 3] = point.loss();
      values[COLUMNS * i + 4] = point.gradientNorm();
      values[COLUMNS * i + 5] = point.heldOut().orElse(-1.0);
    }
    return values.length == 0
        ? Tensors.zeros(Dtype.F64, 0, COLUMNS)
        : Tensors.ofDoubles(values, points.size(), COLUMNS);
  }

  private static List<TrainingPoint> points(Tensor rows) {
    double[] values = rows.toDoubles();
    List<TrainingPoint> points = new ArrayList<>();
    for (int i = 0; i < values.length; i += COLUMNS) {
      double heldOut = values[i + 5];
      points.add(
          new TrainingPoint(
              (int) values[i],
              (long) values[i + 1],
              values[i + 2],
              values[i + 3],
              values[i + 4],
              heldOut < 0 ? Optional.empty() : Optional.of(heldOut)));
    }
    return points;
  }
}
