package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * SparseMixer (arXiv 2409.12136) as it runs at inference: the best expert is picked {@code topK}
 * times; its gate value is the softmax over those experts, not picked before, whose logits are near
 * the best one.
 *
 * @param topK experts per token
 * @param jitter half the relative distance that still counts as near
 */
public record SparseMixerRule(int topK, double jitter) implements RoutingRule {
  @Override
  public Tensor scores(Tensor logits) {
    return logits.softmax(-1);
  }

  @Override
  public Choice choose(Tensor logits, Optional<Tensor> correction) {
    List<Tensor> experts = new ArrayList<>();
    List<Tensor> gates = new ArrayList<>();
    Tensor left = logits;
    for (int pick = 0; pick < topK; pick++) {
      Tensor best = left.max(-1).unsqueeze(-1);
      Tensor expert = left.argmax(-1).unsqueeze(-1);
      Tensor distance = best.sub(logits).div(logits.abs().maximum(best));
      Tensor near = left.maskedFill(distance.greater(2 * jitter), Double.NEGATIVE_INFINITY);
      experts.add(expert);
      gates.add(near.softmax(-1).gather(-1, expert));
      Tensor picked = Tensors.oneHot(expert.reshape(-1), logits.size(1)).greater(0);
      left = left.maskedFill(picked, Double.NEGATIVE_INFINITY);
    }
    return new Choice(Tensors.concat(experts, 1), Tensors.concat(gates, 1));
  }
}
