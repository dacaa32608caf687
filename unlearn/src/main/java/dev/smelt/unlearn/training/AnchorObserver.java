package dev.smelt.unlearn.training;

import dev.smelt.model.MoeObserver;
import dev.smelt.model.Routing;
import dev.smelt.model.router.RoutingRule;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.loss.Anchor;
import java.util.List;
import java.util.Optional;

/** Adds up the router anchors of the target layers while a forget batch passes. */
final class AnchorObserver implements MoeObserver {
  private final RoutingRule rule;
  private final List<ExpertId> targets;
  private Optional<Tensor> sum = Optional.empty();

  AnchorObserver(RoutingRule rule, List<ExpertId> targets) {
    this.rule = rule;
    this.targets = targets;
  }

  @Override
  public void routed(int layer, Tensor input, Routing routing) {
    int rows = (int) routing.logits().size(1);
    float[] wanted = new float[rows];
    boolean isTarget = false;
    for (ExpertId target : targets) {
      if (target.layer() == layer) {
        wanted[target.expert()] = 1;
        isTarget = true;
      }
    }
    if (isTarget) {
      Tensor scores = rule.scores(routing.logits());
      Tensor anchor = Anchor.of(scores, Tensors.ofFloats(wanted, rows).to(scores.dtype()));
      sum = Optional.of(sum.map(anchor::add).orElse(anchor));
    }
  }

  /** The sum over the target layers that have passed. */
  Tensor sum() {
    return sum.orElseThrow();
  }
}
