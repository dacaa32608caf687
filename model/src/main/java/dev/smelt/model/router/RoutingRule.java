package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/** Chooses experts from logits. */
public sealed interface RoutingRule permits TopKRule, SparseMixerRule, CapacityRule {
  /** Experts per token. */
  int topK();

  /**
   * What the logits mean for each expert before the choice: [n, E] to [n, E], probabilities of the
   * softmax, or the logistic function of each.
   */
  Tensor scores(Tensor logits);

  /**
   * Chooses for n tokens.
   *
   * @param logits F32 or F64, [n, E]
   * @param correction added to the scores for the choice only, [E]
   */
  Choice choose(Tensor logits, Optional<Tensor> correction);

  /**
   * What was chosen.
   *
   * @param experts I64, [n, k]
   * @param gates gate values, [n, k]
   */
  record Choice(Tensor experts, Tensor gates) {}
}
