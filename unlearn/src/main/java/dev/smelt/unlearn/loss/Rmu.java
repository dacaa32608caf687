package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * Representation misdirection (Li et al. 2024, arXiv 2403.03218, section 4.2): hidden states of
 * forget tokens are moved to {@code steering * direction}, those of retain tokens stay where they
 * were. Means are over tokens and over the H entries of a state, as in the released code.
 */
public record Rmu() implements RepresentationLoss {
  @Override
  public String name() {
    return "rmu";
  }

  @Override
  public String description() {
    return "hidden states of the forget set are moved to one vector";
  }

  /** The defaults of the released program. */
  @Override
  public LossConstants defaults() {
    return new LossConstants(1, 100, 0, 0, 20);
  }

  @Override
  public Tensor forget(Tensor hidden, Tensor norms, Tensor direction, LossConstants constants) {
    return hidden.sub(direction.mul(constants.steering())).square().mean();
  }
}
