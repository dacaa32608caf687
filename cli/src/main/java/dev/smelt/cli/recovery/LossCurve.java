package dev.smelt.cli.recovery;

import dev.smelt.cli.chart.LinePlot;
import dev.smelt.routing.train.TrainingPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The steps of a recovery, as a table of comma-separated values.
 *
 * @param runs one training after the other: a layer each, or one of the whole model
 */
record LossCurve(List<Run> runs) {
  static final String CSV_NAME = "smelt-curve.csv";
  static final String PNG_NAME = "smelt-curve.png";

  LossCurve {
    runs = List.copyOf(runs);
  }

  /**
   * A training.
   *
   * @param name of what was trained: the index of the layer, or {@code all}
   * @param points its steps
   */
  record Run(String name, List<TrainingPoint> points) {
    Run {
      points = List.copyOf(points);
    }
  }

  String csv() {
    String head = "layer,step,tokens,rate,loss,gradient_norm,held_out\n";
    return runs.stream()
        .flatMap(run -> run.points().stream().map(point -> row(run.name(), point)))
        .collect(Collectors.joining("", head, ""));
  }

  private static String row(String name, TrainingPoint point) {
    return String.format(
        Locale.ROOT,
        "%s,%d,%d,%.6g,%.8g,%.6g,%s\n",
        name,
        point.step(),
        point.tokens(),
        point.rate(),
        point.loss(),
        point.gradientNorm(),
        point.heldOut().map(loss -> String.format(Locale.ROOT, "%.8g", loss)).orElse(""));
  }

  /**
   * The losses of held-out tokens and of the batches over the steps, as the bytes of a PNG file;
   * the trainings of several layers stand one after the other.
   */
  byte[] png() {
    return LinePlot.png(
        "step",
        List.of(
            series("held-out loss", TrainingPoint::heldOut),
            series("loss of the batches", point -> Optional.of(point.loss()))));
  }

  /** The line ends with each training. */
  private LinePlot.Series series(String name, Function<TrainingPoint, Optional<Double>> loss) {
    List<Double> steps = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    int step = 0;
    for (Run run : runs) {
      for (TrainingPoint point : run.points()) {
        step++;
        if (loss.apply(point).isPresent()) {
          steps.add((double) step);
          losses.add(loss.apply(point).get());
        }
      }
      steps.add((double) step);
      losses.add(Double.NaN);
    }
    return new LinePlot.Series(name, numbers(steps), numbers(losses));
  }

  private static double[] numbers(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
