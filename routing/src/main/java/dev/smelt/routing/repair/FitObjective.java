package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;

/** What a fit of one layer makes small. */
interface FitObjective {
  /** Which tokens it learns from, and which only judge. */
  TokenSplit split();

  /**
   * The loss of some tokens, a tensor without dimensions; gradients are recorded by the caller.
   *
   * @param block routed experts and their router, in the compute type
   * @param tokens indices of training tokens
   */
  Tensor loss(MoeBlock block, int... tokens);

  /** The loss on held-out tokens; 0 if there is nothing to learn. */
  double heldOut(MoeBlock block);
}
