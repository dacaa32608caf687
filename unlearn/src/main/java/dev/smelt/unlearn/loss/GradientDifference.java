package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * Gradient difference (Liu et al. 2022, arXiv 2203.12817; Maini et al. 2024, arXiv 2401.06121,
 * section 4): gradient ascent on the forget set and descent on the retain set.
 */
public record GradientDifference() implements LikelihoodLoss {
  @Override
  public String name() {
    return "gdiff";
  }

  @Override
  public String description() {
    return "gradient ascent on the forget set, descent on the retain set";
  }

  @Override
  public boolean usesRetain() {
    return true;
  }

  @Override
  public LossConstants defaults() {
    return LossConstants.weights(1, 1);
  }

  @Override
  public boolean usesReference() {
    return false;
  }

  @Override
  public Tensor forget(SequenceLosses losses, LossConstants constants) {
    return losses.tokenMean().mul(-1);
  }
}
