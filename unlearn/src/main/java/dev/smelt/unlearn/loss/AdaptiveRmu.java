package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * Adaptive RMU (Dang et al. 2024, arXiv 2408.06223, section 5): the target of each forget token is
 * {@code steering * |h_ref| * direction}, as long as the token's hidden state was under the
 * untouched weights times a factor.
 */
public record AdaptiveRmu() implements RepresentationLoss {
  @Override
  public String name() {
    return "rmu-adaptive";
  }

  @Override
  public String description() {
    return "rmu with targets as long as the hidden states, times a factor";
  }

  /** The factor of the paper; the retain weight of rmu's released program. */
  @Override
  public LossConstants defaults() {
    return new LossConstants(1, 100, 0, 0, 5);
  }

  @Override
  public Tensor forget(Tensor hidden, Tensor norms, Tensor direction, LossConstants constants) {
    Tensor targets = norms.mul(constants.steering()).mul(direction.unsqueeze(0));
    return hidden.sub(targets).square().mean();
  }
}
