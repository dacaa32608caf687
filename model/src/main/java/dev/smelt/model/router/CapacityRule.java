package dev.smelt.model.router;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Optional;

/**
 * The best expert by softmax (Fedus et al., "Switch Transformers", section 2.2). An expert takes
 * the first tokens of a sequence up to its capacity; the gate value of later ones is zero, so that
 * nothing is added to them.
 *
 * @param capacity tokens of a sequence that one expert takes
 */
public record CapacityRule(int capacity) implements RoutingRule {
  @Override
  public int topK() {
    return 1;
  }

  @Override
  public Tensor scores(Tensor logits) {
    return logits.softmax(-1);
  }

  /** Chooses for the tokens of one sequence, in their order. */
  @Override
  public Choice choose(Tensor logits, Optional<Tensor> correction) {
    Tensor scores = scores(logits);
    Tensor experts = scores.argmax(-1).unsqueeze(-1);
    Tensor places =
        Tensors.oneHot(experts.reshape(-1), logits.size(1))
            .to(Dtype.F32)
            .cumulativeSum(0)
            .gather(-1, experts);
    Tensor gates = scores.gather(-1, experts).maskedFill(places.greater(capacity), 0);
    return new Choice(experts, gates);
  }
}
