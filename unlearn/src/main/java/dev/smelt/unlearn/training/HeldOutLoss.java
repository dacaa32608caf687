package dev.smelt.unlearn.training;

import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;

/** Mean negative log-likelihood per predicted token, in nats. */
final class HeldOutLoss {
  private HeldOutLoss() {}

  static double of(Suffix suffix, TextPart part, int batchSize) {
    double sum = 0;
    long tokens = 0;
    for (int[] indices : part.runs(batchSize)) {
      try (var _ = Scope.open()) {
        TokenBatch batch = part.batch(indices);
        Tensor hidden = suffix.run(part.inputs().of(indices, batch), batch, MoeObserver.NONE);
        sum += suffix.sums(hidden, batch).sum().item();
        tokens += batch.tokens() - batch.size();
      }
    }
    return sum / tokens;
  }
}
