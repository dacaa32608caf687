package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;

/**
 * Divides the gate values of a token by their sum.
 *
 * @param minimum the sum counts as this at least
 * @param epsilon added to the sum
 */
public record Renormalisation(double minimum, double epsilon) {
  /** Divides by the sum as it is. */
  public static final Renormalisation PLAIN = new Renormalisation(0, 0);

  /** Gate values [n, k]. */
  Tensor apply(Tensor gates) {
    Tensor sum = gates.sum(-1).unsqueeze(-1);
    Tensor bounded = minimum > 0 ? sum.clamp(minimum, Double.POSITIVE_INFINITY) : sum;
    return gates.div(epsilon > 0 ? bounded.add(epsilon) : bounded);
  }
}
