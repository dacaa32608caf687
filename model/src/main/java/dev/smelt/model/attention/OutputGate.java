package dev.smelt.model.attention;

import dev.smelt.model.Linear;
import dev.smelt.model.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * A factor on the mixed values, computed from the layer's input.
 *
 * @param projection [heads * v, H], or [heads, H] for one factor per head
 * @param kind what makes a factor of its result
 */
public record OutputGate(Linear projection, Kind kind) {
  /** How a factor is made. */
  public enum Kind {
    /** The logistic function. */
    SIGMOID(Tensor::sigmoid),
    /** {@code log(1 + exp(x))}. */
    SOFTPLUS(Tensor::softplus);

    private final UnaryOperator<Tensor> function;

    Kind(UnaryOperator<Tensor> function) {
      this.function = function;
    }
  }

  /** Gates mixed values [B, T, heads * v] of an input [B, T, H]. */
  Tensor apply(Tensor mixed, Tensor input) {
    Tensor factors = kind.function.apply(projection.apply(input));
    Tensor grouped = mixed.reshape(mixed.size(0), mixed.size(1), factors.size(2), -1);
    return grouped.mul(factors.unsqueeze(-1)).reshape(mixed.shape());
  }
}
