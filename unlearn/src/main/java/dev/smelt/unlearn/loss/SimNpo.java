package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * SimNPO (Fan et al. 2024, arXiv 2410.07163, equation 4): {@code -(2 / beta) mean log sigmoid(beta
 * * (nll / tokens - delta))}, with the mean negative log-likelihood of each sequence and no
 * reference model.
 *
 * <p>As in the released code the margin delta stands inside the product with beta; in the paper
 * gamma is {@code beta * delta}.
 */
public record SimNpo() implements LikelihoodLoss {
  @Override
  public String name() {
    return "simnpo";
  }

  @Override
  public String description() {
    return "negative preference optimisation by tokens, without a reference";
  }

  @Override
  public boolean usesRetain() {
    return true;
  }

  /** The beta of the paper for TOFU's forget05; delta is zero there. */
  @Override
  public LossConstants defaults() {
    return new LossConstants(1, 1, 2.5, 0, 0);
  }

  @Override
  public boolean usesReference() {
    return false;
  }

  @Override
  public Tensor forget(SequenceLosses losses, LossConstants constants) {
    double beta = constants.beta();
    Tensor means = losses.sums().div(losses.tokens());
    return means.add(-constants.delta()).mul(-beta).softplus().mean().mul(2 / beta);
  }
}
