package dev.smelt.routing.repair;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * Adam (Kingma and Ba 2015, algorithm 1) over matrices of different scales: the rate of each is
 * relative to the root mean square of its elements at the start.
 *
 * <p>Deliberate differences: the rates, and an epsilon so small that it only prevents 0 / 0.
 */
final class Adam {
  private static final double MEAN_DECAY = 0.9;
  private static final double SQUARE_DECAY = 0.99;
  private static final double EPSILON = 1e-16;

  private final List<Tensor> parameters;
  private final List<Tensor> means = new ArrayList<>();
  private final List<Tensor> squares = new ArrayList<>();
  private final List<Double> scales = new ArrayList<>();
  private int steps;

  /** Optimises these tensors in place; its own state belongs to the open scope. */
  Adam(List<Tensor> parameters) {
    this.parameters = List.copyOf(parameters);
    for (Tensor parameter : parameters) {
      means.add(Tensors.zeros(parameter.dtype(), parameter.shape()));
      squares.add(Tensors.zeros(parameter.dtype(), parameter.shape()));
      scales.add(Math.sqrt(parameter.square().mean().item()));
    }
  }

  /**
   * Makes one step.
   *
   * @param gradients of the parameters, in order
   * @param rate length of a step relative to the scale of each parameter
   */
  void step(List<Tensor> gradients, double rate) {
    steps++;
    double meanCorrection = 1 - Math.pow(MEAN_DECAY, steps);
    double squareCorrection = Math.sqrt(1 - Math.pow(SQUARE_DECAY, steps));
    double factor = -rate * squareCorrection / meanCorrection;
    try (var _ = Scope.open()) {
      for (int p = 0; p < parameters.size(); p++) {
        Tensor mean = means.get(p);
        Tensor square = squares.get(p);
        mean.mulInPlace(MEAN_DECAY);
        mean.addInPlace(gradients.get(p), 1 - MEAN_DECAY);
        square.mulInPlace(SQUARE_DECAY);
        square.addInPlace(gradients.get(p).square(), 1 - SQUARE_DECAY);
        parameters.get(p).addInPlace(mean.div(square.sqrt().add(EPSILON)), factor * scales.get(p));
      }
    }
  }
}
