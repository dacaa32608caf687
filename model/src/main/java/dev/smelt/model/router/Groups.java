package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * Limits the choice to the experts of a few groups; a group is a run of E / count experts.
 *
 * @param count number of groups
 * @param kept groups that stay
 * @param best experts whose scores add up to the score of a group: 1 or 2
 * @param masked score that the experts of other groups get
 */
public record Groups(int count, int kept, int best, double masked) {
  /** Scores [n, E] with those of all but the kept groups masked. */
  Tensor mask(Tensor scores) {
    long tokens = scores.size(0);
    Tensor grouped = scores.reshape(tokens, count, -1);
    Tensor sums = grouped.topK(best).values().sum(-1);
    Tensor kept = Tensors.oneHot(sums.topK(this.kept).indices(), count).sum(1);
    Tensor dropped = kept.mul(-1).add(1).greater(0).unsqueeze(-1).expand(grouped.shape());
    return grouped.maskedFill(dropped, masked).reshape(tokens, -1);
  }
}
