package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;

/** How many experts are to be left in each layer. */
public final class ExpertCount {
  private ExpertCount() {}

  /**
   * Checks a count.
   *
   * @throws SmeltException (usage) if it is above the experts there are, or below top-k
   */
  public static int of(MoeModel model, int wanted) {
    int experts = experts(model);
    int topK = model.architecture().topK();
    if (wanted > experts) {
      throw SmeltException.usage(
          "--experts " + wanted + ": the model has only " + experts + " experts in each layer",
          "leave fewer than " + experts);
    }
    if (wanted < topK) {
      throw SmeltException.usage(
          "--experts " + wanted + ": each token needs " + topK + " experts (num_experts_per_tok)",
          "leave at least " + topK);
    }
    return wanted;
  }

  /** The count that is left when a share of the experts, rounded down, is removed. */
  public static int ofRatio(MoeModel model, double ratio) {
    if (!(ratio > 0 && ratio < 1)) {
      throw SmeltException.usage(
          "--ratio " + ratio + ": expected a share of the experts to remove, between 0 and 1",
          "0.5 removes half of the experts");
    }
    int experts = experts(model);
    int removed = (int) (experts * ratio + 1e-9);
    if (experts - removed < model.architecture().topK()) {
      throw SmeltException.usage(
          "--ratio "
              + ratio
              + " leaves "
              + (experts - removed)
              + " of "
              + experts
              + " experts, but each token needs "
              + model.architecture().topK()
              + " (num_experts_per_tok)",
          "choose a smaller ratio");
    }
    return experts - removed;
  }

  private static int experts(MoeModel model) {
    return model.moeLayers().getFirst().experts().count();
  }
}
