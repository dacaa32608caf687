package dev.smelt.routing.train;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2), with the same operations in the same order as
 * torch.optim.AdamW.
 *
 * <p>Large tensors are updated in runs of elements that stay in the cache, so that each value
 * passes through memory once.
 *
 * <p>Memory: two more copies of the parameters.
 */
public final class AdamW {
  private static final long RUN = 1 << 16;

  /** What the rate is relative to. */
  public enum Scale {
    /** Nothing: the rate is the length of a step of each element. */
    ABSOLUTE,
    /** The root mean square of each tensor's elements at the start. */
    RELATIVE
  }

  /**
   * The constants of the algorithm.
   *
   * @param meanDecay beta 1
   * @param squareDecay beta 2
   * @param epsilon added to the root of the mean square
   * @param weightDecay part of each weight of a matrix that each step takes away, times the rate
   * @param scale what the rate is relative to
   */
  public record Options(
      double meanDecay, double squareDecay, double epsilon, double weightDecay, Scale scale) {
    /** As MC-SMoE distils (Li et al. 2024, appendix). */
    public static final Options DISTILLATION = new Options(0.9, 0.98, 1e-6, 0.01, Scale.ABSOLUTE);

    /** For matrices of different scales: no decay, and an epsilon that only prevents 0 / 0. */
    public static final Options RELATIVE = new Options(0.9, 0.99, 1e-16, 0, Scale.RELATIVE);

    /** Checks the ranges. */
    public Options {
      boolean decays = meanDecay >= 0 && meanDecay < 1 && squareDecay >= 0 && squareDecay < 1;
      if (!decays || !(epsilon > 0) || !(weightDecay >= 0)) {
        throw new IllegalArgumentException(
            "betas %s %s, epsilon %s, decay %s"
                .formatted(meanDecay, squareDecay, epsilon, weightDecay));
      }
    }

    /** The same with another weight decay. */
    public Options withDecay(double other) {
      return new Options(meanDecay, squareDecay, epsilon, other, scale);
    }
  }

  private final List<Tensor> parameters;
  private final Options options;
  private final List<Tensor> means = new ArrayList<>();
  private final List<Tensor> squares = new ArrayList<>();
  private final List<Double> scales = new ArrayList<>();
  private int steps;

  /** Optimises these contiguous tensors in place; its own state belongs to the open scope. */
  public AdamW(List<Tensor> parameters, Options options) {
    this.parameters = List.copyOf(parameters);
    this.options = options;
    for (Tensor parameter : parameters) {
      if (!parameter.isContiguous()) {
        throw new IllegalArgumentException(parameter + " is not contiguous");
      }
      means.add(Tensors.zeros(parameter.dtype(), parameter.shape()));
      squares.add(Tensors.zeros(parameter.dtype(), parameter.shape()));
      scales.add(scale(parameter));
    }
  }

  private double scale(Tensor parameter) {
    return switch (options.scale()) {
      case ABSOLUTE -> 1;
      case RELATIVE -> Math.sqrt(parameter.square().mean().item());
    };
  }

  /**
   * Makes one step.
   *
   * @param gradients of the parameters, in order, contiguous and of their types
   * @param rate length of the step
   */
  public void step(List<Tensor> gradients, double rate) {
    steps++;
    for (int p = 0; p < parameters.size(); p++) {
      long elements = parameters.get(p).elements();
      for (long from = 0; from < elements; from += RUN) {
        try (var _ = Scope.open()) {
          update(p, gradients.get(p), from, Math.min(RUN, elements - from), rate);
        }
      }
    }
  }

  private void update(int p, Tensor gradients, long from, long count, double rate) {
    Tensor parameter = part(parameters.get(p), from, count);
    Tensor gradient = part(gradients, from, count);
    Tensor mean = part(means.get(p), from, count);
    Tensor square = part(squares.get(p), from, count);
    if (options.weightDecay() > 0 && parameters.get(p).rank() > 1) {
      parameter.mulInPlace(1 - rate * options.weightDecay());
    }
    mean.lerpInPlace(gradient, 1 - options.meanDecay());
    square.mulInPlace(options.squareDecay());
    square.addProductInPlace(gradient, gradient, 1 - options.squareDecay());
    Tensor size = square.sqrt();
    size.mulInPlace(1 / Math.sqrt(1 - Math.pow(options.squareDecay(), steps)));
    size.addInPlace(options.epsilon());
    double correction = 1 - Math.pow(options.meanDecay(), steps);
    parameter.addQuotientInPlace(mean, size, -rate * scales.get(p) / correction);
  }

  private static Tensor part(Tensor tensor, long from, long count) {
    return tensor.detach().reshape(-1).narrow(0, from, count);
  }

  /** Means of the gradients so far, to be stored and restored in place. */
  List<Tensor> means() {
    return means;
  }

  /** Means of the squared gradients so far, to be stored and restored in place. */
  List<Tensor> squares() {
    return squares;
  }

  /** Says that so many steps were made before. */
  void resume(int made) {
    steps = made;
  }
}
