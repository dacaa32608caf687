package dev.smelt.unlearn.training;

/**
 * The parts of what is minimised, before their weights.
 *
 * @param objective the weighted sum
 * @param forget the forget term
 * @param retain the retain term; 0 without one
 * @param anchor the router anchor; 0 without one
 */
public record Terms(double objective, double forget, double retain, double anchor) {
  static final Terms ZERO = new Terms(0, 0, 0, 0);

  Terms plus(Terms other) {
    return new Terms(
        objective + other.objective,
        forget + other.forget,
        retain + other.retain,
        anchor + other.anchor);
  }

  Terms dividedBy(int count) {
    return count == 0
        ? this
        : new Terms(objective / count, forget / count, retain / count, anchor / count);
  }
}
