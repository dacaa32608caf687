package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The time of the factors of one matrix, plain and whitened; see bench/low_rank.sh.
 *
 * <p>Arguments: rows, columns, rank, repetitions.
 */
public final class LowRankBenchmark {
  private LowRankBenchmark() {}

  /** Prints a line of JSON for each kind, in median milliseconds. */
  public static void main(String[] arguments) {
    int[] sizes = {1024, 2048, 256, 5};
    for (int i = 0; i < arguments.length; i++) {
      sizes[i] = Integer.parseInt(arguments[i]);
    }
    try (var _ = Scope.open()) {
      Tensor weight = random(1, sizes[0], sizes[1]);
      Tensor inputs = random(2, 2 * sizes[1], sizes[1]);
      Moments moments = new Moments(inputs.transpose(0, 1).matmul(inputs), 2 * sizes[1]);
      MatrixForm form = new MatrixForm(ExpertPart.UP, sizes[0], sizes[1], sizes[2], 0);
      time("plain", sizes[3], () -> Decomposition.of(weight, Optional.empty()).factors(form));
      time(
          "whitened",
          sizes[3],
          () -> Decomposition.of(weight, Whitening.of(moments, Whitening.RIDGE)).factors(form));
    }
  }

  private static Tensor random(long seed, int rows, int columns) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = new double[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return Tensors.ofDoubles(values, rows, columns).to(Dtype.F32);
  }

  private static void time(String kind, int repetitions, Runnable work) {
    List<Long> times = new ArrayList<>();
    for (int i = 0; i <= repetitions; i++) {
      long start = System.nanoTime();
      try (var _ = Scope.open()) {
        work.run();
      }
      times.add(System.nanoTime() - start);
    }
    List<Long> warm = new ArrayList<>(times.subList(1, times.size()));
    Collections.sort(warm);
    System.out.printf("{\"kind\": \"%s\", \"ms\": %.1f}%n", kind, warm.get(warm.size() / 2) / 1e6);
  }
}
