package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * Negative preference optimisation (Zhang et al. 2024, arXiv 2404.05868, equation 3): {@code (2 /
 * beta) mean log(1 + (p / p_ref)^beta)}, with likelihoods p of whole sequences.
 *
 * <p>The reference is the untouched model, computed once. It is bounded below by zero; its gradient
 * is that of gradient ascent on sums times {@code 2 p^beta / (p^beta + p_ref^beta)}, which is one
 * at the start and for beta near zero. The power acts on whole sequences: the longer they are, the
 * smaller beta must be for the same forgetting per token.
 */
public record Npo() implements LikelihoodLoss {
  @Override
  public String name() {
    return "npo";
  }

  @Override
  public String description() {
    return "negative preference optimisation against the untouched model";
  }

  @Override
  public boolean usesRetain() {
    return true;
  }

  /** The paper's beta is 0.1. */
  @Override
  public LossConstants defaults() {
    return new LossConstants(1, 1, 0.1, 0, 0);
  }

  @Override
  public boolean usesReference() {
    return true;
  }

  @Override
  public Tensor forget(SequenceLosses losses, LossConstants constants) {
    double beta = constants.beta();
    Tensor logRatio = losses.reference().sub(losses.sums());
    return logRatio.mul(beta).softplus().mean().mul(2 / beta);
  }
}
