package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * The router anchor (SEUF, arXiv 2411.18797, equation 3): {@code |s - a|^2} of each forget token,
 * where s are the router's scores of all experts and a is one for the target experts and zero
 * elsewhere; the mean over tokens.
 *
 * <p>Scores are the softmax over all experts, not only the chosen ones, or the logistic function of
 * each logit where the router scores so. Difference from the released code: it also divides by the
 * number of experts, so that its weight of 1 is a weight of 1/E here.
 */
public final class Anchor {
  private Anchor() {}

  /**
   * The term, without dimensions.
   *
   * @param scores [n, E]
   * @param target [E]: one for target experts, else zero
   */
  public static Tensor of(Tensor scores, Tensor target) {
    return scores.sub(target.unsqueeze(0)).square().sum(-1).mean();
  }
}
