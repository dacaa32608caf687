package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Router;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/** Small random blocks and tokens; what is random depends on the seed alone. */
final class Fixture {
  static final int HIDDEN = 12;
  static final int WIDTH = 8;
  static final int SEQUENCE = 16;
  private static final double STEP = 1e-5;

  private Fixture() {}

  static Tensor random(long seed, double scale, int rows, int columns) {
    Random random = new Random(seed);
    double[] values = new double[rows * columns];
    java.util.Arrays.setAll(values, i -> scale * random.nextGaussian());
    return Tensors.ofDoubles(values, rows, columns);
  }

  static MoeBlock block(long seed, int experts, Dtype dtype) {
    List<Expert> list = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      long own = seed * 1000 + 3L * e;
      list.add(
          new Expert(
              random(own, 0.4, WIDTH, HIDDEN).to(dtype),
              random(own + 1, 0.4, WIDTH, HIDDEN).to(dtype),
              random(own + 2, 0.4, HIDDEN, WIDTH).to(dtype)));
    }
    Tensor rows = random(seed * 1000 - 1, 0.5, experts, HIDDEN).to(dtype);
    return new MoeBlock(new Router(rows, 2, true), list, Optional.empty());
  }

  /** Tokens whose targets are the outputs of a block. */
  static TokenMatrix tokens(MoeBlock teacher, long seed, int count) {
    Tensor inputs = random(seed, 1, count, HIDDEN).to(teacher.router().weight().dtype());
    Tensor targets = teacher.apply(inputs, 0, MoeObserver.NONE);
    TokenSplit split = TokenSplit.draw(Collections.nCopies(count / SEQUENCE, SEQUENCE), seed);
    return new TokenMatrix(inputs, targets, split);
  }

  static double difference(Tensor a, Tensor b) {
    return a.to(Dtype.F64).sub(b.to(Dtype.F64)).abs().max().item();
  }

  /** How a loss rises with one element of a trained weight, from a central difference in F64. */
  static double slope(
      Trainable trainable, int matrix, int element, ToDoubleFunction<MoeBlock> loss) {
    double[] losses = new double[2];
    for (int side = 0; side < 2; side++) {
      List<Tensor> moved = new ArrayList<>(trainable.masters());
      double[] values = moved.get(matrix).detach().toDoubles();
      values[element] += side == 0 ? STEP : -STEP;
      moved.set(matrix, Tensors.ofDoubles(values, moved.get(matrix).shape()));
      losses[side] = loss.applyAsDouble(trainable.with(moved));
    }
    return (losses[0] - losses[1]) / (2 * STEP);
  }

  /** The largest difference between any weights of two blocks. */
  static double difference(MoeBlock a, MoeBlock b) {
    double largest = difference(a.router().weight(), b.router().weight());
    for (int e = 0; e < a.experts().size(); e++) {
      Expert one = a.experts().get(e);
      Expert other = b.experts().get(e);
      largest = Math.max(largest, difference(one.gate(), other.gate()));
      largest = Math.max(largest, difference(one.up(), other.up()));
      largest = Math.max(largest, difference(one.down(), other.down()));
    }
    return largest;
  }
}
