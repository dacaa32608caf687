package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;

/** Kullback-Leibler divergence of next-token distributions. */
final class Divergence {
  private static final long MAX_LOGITS = 32L << 20;

  private Divergence() {}

  /**
   * Sum over positions of {@code sum p log(p / q)}, in nats.
   *
   * @param p head of the distribution p
   * @param before its hidden states, [T, H]
   * @param q head of the distribution q
   * @param after its hidden states, [T, H]
   */
  static double sum(LanguageHead p, Tensor before, LanguageHead q, Tensor after) {
    long length = before.size(0);
    long block = Math.clamp(MAX_LOGITS / p.weight().size(0), 1, length);
    double sum = 0;
    for (long from = 0; from < length; from += block) {
      long count = Math.min(block, length - from);
      try (var _ = Scope.open()) {
        Tensor a = p.logits(before.narrow(0, from, count)).logSoftmax(-1).to(Dtype.F64);
        Tensor b = q.logits(after.narrow(0, from, count)).logSoftmax(-1).to(Dtype.F64);
        sum += a.exp().mul(a.sub(b)).sum().item();
      }
    }
    return sum;
  }
}
