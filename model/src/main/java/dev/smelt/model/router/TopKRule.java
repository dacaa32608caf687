package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * The k experts with the best scores; gate values are scores, renormalised and scaled.
 *
 * @param score what turns logits into scores
 * @param topK experts per token
 * @param groups limits the choice to a few groups
 * @param renormalisation what makes gate values sum to one
 * @param scale factor on gate values after that
 */
public record TopKRule(
    Score score,
    int topK,
    Optional<Groups> groups,
    Optional<Renormalisation> renormalisation,
    double scale)
    implements RoutingRule {
  @Override
  public Tensor scores(Tensor logits) {
    return score.of(logits);
  }

  @Override
  public Choice choose(Tensor logits, Optional<Tensor> correction) {
    Tensor scores = score.of(logits);
    Tensor corrected = correction.map(scores::add).orElse(scores);
    boolean plain = correction.isEmpty() && groups.isEmpty();
    Tensor ranked = plain ? logits : groups.map(g -> g.mask(corrected)).orElse(corrected);
    Tensor experts = ranked.topK(topK).indices();
    Tensor chosen = scores.gather(-1, experts);
    Tensor gates = renormalisation.map(r -> r.apply(chosen)).orElse(chosen);
    return new Choice(experts, scale == 1 ? gates : gates.mul(scale));
  }
}
