package dev.smelt.routing.bench;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.Router;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.repair.Fit;
import dev.smelt.routing.repair.FitOptions;
import dev.smelt.routing.repair.TokenMatrix;
import dev.smelt.routing.repair.TokenSplit;
import dev.smelt.routing.train.TrainingState;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The operations per second of layerwise training, and of the forward and backward products alone
 * that it consists of, for one layer.
 *
 * <p>Arguments: hidden size, expert width, experts, experts of a token, tokens of a step, steps.
 */
public final class FitBenchmark {
  private static final int SEQUENCE = 512;

  private FitBenchmark() {}

  /** Prints a line for each number format. */
  public static void main(String[] arguments) {
    int[] sizes = {1024, 512, 16, 4, 4096, 6};
    for (int i = 0; i < arguments.length; i++) {
      sizes[i] = Integer.parseInt(arguments[i]);
    }
    for (Dtype dtype : List.of(Dtype.F32, Dtype.BF16)) {
      Layer layer = new Layer(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], dtype);
      double products = layer.products();
      double training = layer.training(sizes[5]);
      System.out.printf(
          "%s: products %.1f GFLOP/s, training %.1f GFLOP/s, %.0f %%, %.0f tokens/s%n",
          dtype,
          products / 1e9,
          training / 1e9,
          100 * training / products,
          training / layer.flopsPerToken());
    }
  }

  private record Layer(int hidden, int width, int experts, int topK, int tokens, Dtype dtype) {
    private double flopsPerToken() {
      return 3 * 2.0 * topK * 3 * hidden * width;
    }

    private Tensor random(long seed, double scale, int rows, int columns) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] values = new float[rows * columns];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (scale * (random.nextDouble() - 0.5));
      }
      return Tensors.ofFloats(values, rows, columns).to(dtype);
    }

    /** Gate, up and down of one expert on its mean number of tokens, forward and backward. */
    private double products() {
      int rows = tokens * topK / experts;
      try (var _ = Scope.open()) {
        Tensor input = random(1, 1, rows, hidden);
        Tensor middle = random(2, 1, rows, width);
        Tensor up = random(3, 0.05, width, hidden);
        Tensor down = random(4, 0.05, hidden, width);
        long start = 0;
        int repeats = 30;
        for (int i = -5; i < repeats; i++) {
          start = i == 0 ? System.nanoTime() : start;
          try (var _ = Scope.open()) {
            for (int part = 0; part < 2; part++) {
              input.linear(up).size(0);
              middle.matmul(up).size(0);
              middle.transpose(0, 1).matmul(input).size(0);
            }
            middle.linear(down).size(0);
            input.matmul(down).size(0);
            input.transpose(0, 1).matmul(middle).size(0);
          }
        }
        double seconds = (System.nanoTime() - start) / 1e9 / repeats;
        return 9 * 2.0 * rows * hidden * width / seconds;
      }
    }

    private double training(int steps) {
      try (var _ = Scope.open()) {
        List<Expert> list = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
          list.add(
              new Expert(
                  random(10 + 3L * e, 0.1, width, hidden),
                  random(11 + 3L * e, 0.1, width, hidden),
                  random(12 + 3L * e, 0.1, hidden, width)));
        }
        MoeBlock block =
            new MoeBlock(
                new Router(random(5, 0.1, experts, hidden), topK, true), list, Optional.empty());
        Tensor inputs = random(6, 1, 2 * tokens, hidden);
        TokenSplit split = TokenSplit.draw(Collections.nCopies(2 * tokens / SEQUENCE, SEQUENCE), 0);
        TokenMatrix matrix = new TokenMatrix(inputs, inputs.to(Dtype.F32), split);
        List<Long> times = new ArrayList<>();
        var options = new FitOptions(steps + 3, tokens, 0.01, 0.1, 1000, 0);
        Fit.fit(block, matrix, options, TrainingState.NONE, point -> times.add(System.nanoTime()));
        int last = times.size() - 2;
        double seconds = (times.get(last) - times.get(1)) / 1e9 / (last - 1);
        return flopsPerToken() * tokens / seconds;
      }
    }
  }
}
