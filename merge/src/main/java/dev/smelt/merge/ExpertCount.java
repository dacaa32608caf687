package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.model.router.TopKRule;

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
    requireGroups(model, wanted);
    return wanted;
  }

  /**
   * The router must still be able to choose: whole groups, and enough experts in those it keeps.
   */
  private static void requireGroups(MoeModel model, int wanted) {
    int groups = model.architecture().groups();
    if (wanted % groups != 0) {
      throw SmeltException.usage(
          "%d experts cannot be spread evenly over the %d groups of the router"
              .formatted(wanted, groups),
          "keep a multiple of " + groups + ", or remove the groups with --ungroup");
    }
    if (wanted / groups < least(model)) {
      throw SmeltException.usage(
          "%d experts are %d for each group of the router, which needs %d"
              .formatted(wanted, wanted / groups, least(model)),
          "keep at least " + groups * least(model) + ", or remove the groups with --ungroup");
    }
  }

  /** Experts that each group needs: those that rank it, and enough for top-k in the kept ones. */
  private static int least(MoeModel model) {
    return model.architecture().routing() instanceof TopKRule rule && rule.groups().isPresent()
        ? Math.max(
            rule.groups().get().best(), Math.ceilDiv(rule.topK(), rule.groups().get().kept()))
        : 1;
  }

  /**
   * The count that is left when a share of the experts is removed, rounded down to what the groups
   * of the router allow.
   */
  public static int ofRatio(MoeModel model, double ratio) {
    if (!(ratio > 0 && ratio < 1)) {
      throw SmeltException.usage(
          "--ratio " + ratio + ": expected a share of the experts to remove, between 0 and 1",
          "0.5 removes half of the experts");
    }
    int experts = experts(model);
    int groups = model.architecture().groups();
    int removed = (int) (experts * ratio + 1e-9) / groups * groups;
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
    requireGroups(model, experts - removed);
    return experts - removed;
  }

  private static int experts(MoeModel model) {
    return model.moeLayers().getFirst().experts().count();
  }
}
