package dev.smelt.unlearn.loss;

/**
 * The constants of a loss. Those that a loss does not have are ignored by it and are zero in its
 * defaults.
 *
 * @param forgetWeight factor on the forget term
 * @param retainWeight factor on the retain term
 * @param beta inverse temperature of npo and simnpo
 * @param delta margin of simnpo, in nats per token
 * @param steering length of the target of rmu, or factor on the norm for rmu-adaptive
 */
public record LossConstants(
    double forgetWeight, double retainWeight, double beta, double delta, double steering) {
  /** Checks that all numbers are finite and that weights are not negative. */
  public LossConstants {
    require("forget weight", forgetWeight, forgetWeight >= 0);
    require("retain weight", retainWeight, retainWeight >= 0);
    require("beta", beta, beta >= 0);
    require("delta", delta, true);
    require("steering", steering, steering >= 0);
  }

  private static void require(String name, double value, boolean good) {
    if (!good || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " of " + value);
    }
  }

  /** Weights alone. */
  static LossConstants weights(double forgetWeight, double retainWeight) {
    return new LossConstants(forgetWeight, retainWeight, 0, 0, 0);
  }
}
