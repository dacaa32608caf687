package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;
import java.util.Locale;

/** What keeps a model as it is on the retain set, for losses over likelihoods. */
public enum RetainTerm {
  /** Mean negative log-likelihood of the retain tokens. */
  NLL,
  /**
   * Mean over positions of {@code sum p_ref log(p_ref / p)}, where p_ref is the distribution of the
   * untouched model.
   */
  KL;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Mean Kullback-Leibler divergence of positions.
   *
   * @param logits of the model, [n, V]
   * @param reference of the untouched model, [n, V]
   */
  public static Tensor divergence(Tensor logits, Tensor reference) {
    Tensor logReference = reference.logSoftmax(-1);
    Tensor difference = logReference.sub(logits.logSoftmax(-1));
    return logReference.exp().mul(difference).sum(-1).mean();
  }
}
