package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * Gradient ascent (Jang et al. 2023, arXiv 2210.01504, equation 1): the negative of the mean
 * negative log-likelihood of the forget tokens. It has no retain term and no bound.
 */
public record GradientAscent() implements LikelihoodLoss {
  @Override
  public String name() {
    return "ga";
  }

  @Override
  public String description() {
    return "gradient ascent on the forget set";
  }

  @Override
  public boolean usesRetain() {
    return false;
  }

  @Override
  public LossConstants defaults() {
    return LossConstants.weights(1, 0);
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
