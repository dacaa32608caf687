package dev.smelt.unlearn.loss;

/**
 * An unlearning loss: {@code forgetWeight * forget + retainWeight * retain}, to which a router
 * anchor may be added.
 */
public sealed interface UnlearnLoss permits LikelihoodLoss, RepresentationLoss {
  /** The name on the command line. */
  String name();

  /** What it is, in a few words. */
  String description();

  /** Whether it has a retain term, for which a retain set is needed. */
  boolean usesRetain();

  /** The constants that its paper uses, or those that are explained where they differ. */
  LossConstants defaults();
}
