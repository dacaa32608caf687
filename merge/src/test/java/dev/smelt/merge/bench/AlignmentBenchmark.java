package dev.smelt.merge.bench;

import dev.smelt.io.Dtype;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.ExpertAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/**
 * Times the alignment of one pair of experts by weights: scores, assignment and the permuted
 * result.
 */
public final class AlignmentBenchmark {
  private static final int NEURONS = 2048;
  private static final int HIDDEN = 1024;
  private static final int REPEATS = 7;

  private AlignmentBenchmark() {}

  /** Prints a line for a noisy permuted copy and one for an unrelated expert. */
  public static void main(String[] arguments) {
    try (var _ = Scope.open()) {
      Random random = new Random(1);
      Expert reference = expert(random);
      Expert copy = reference.map((_, t) -> t.addScaled(normal(random, t.shape()), 0.5));
      report("copy", reference, permuted(copy, random));
      report("unrelated", reference, expert(random));
    }
  }

  private static Expert expert(Random random) {
    return new Expert(
        normal(random, NEURONS, HIDDEN),
        normal(random, NEURONS, HIDDEN),
        normal(random, HIDDEN, NEURONS));
  }

  private static Tensor normal(Random random, long... shape) {
    float[] values = new float[NEURONS * HIDDEN];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.ofFloats(values, shape);
  }

  private static Expert permuted(Expert expert, Random random) {
    float[] keys = new float[NEURONS];
    for (int i = 0; i < NEURONS; i++) {
      keys[i] = random.nextFloat();
    }
    Tensor order = Tensors.ofFloats(keys, NEURONS).to(Dtype.F64).argsort();
    return expert.map((part, t) -> t.indexSelect(part.neuronDimension().orElseThrow(), order));
  }

  private static void report(String kind, Expert reference, Expert member) {
    double[] milliseconds = new double[REPEATS];
    for (int i = -2; i < REPEATS; i++) {
      try (var _ = Scope.open()) {
        long start = System.nanoTime();
        new ExpertAligner(reference, AlignmentMode.WEIGHTS, Optional.empty()).align(member);
        milliseconds[Math.max(i, 0)] = (System.nanoTime() - start) / 1e6;
      }
    }
    Arrays.sort(milliseconds);
    System.out.printf("{\"pair\": \"%s\", \"total_ms\": %.0f}%n", kind, milliseconds[REPEATS / 2]);
  }
}
