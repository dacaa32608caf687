package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Optional;

/**
 * The final norm and the output head.
 *
 * @param norm over the hidden state
 * @param weight [V, H]
 * @param bias [V], if there is one
 * @param scale factor on logits
 * @param softcap bound that logits approach, if there is one
 */
public record LanguageHead(
    Norm norm, Tensor weight, Optional<Tensor> bias, double scale, Optional<Double> softcap) {
  /** Bound on the elements of a block of logits: 256 MiB in F32. */
  private static final long MAX_LOGITS = 64L << 20;

  /** Logits [.., V] of hidden states [.., H]. */
  public Tensor logits(Tensor hidden) {
    Tensor normed = norm.apply(hidden);
    Tensor logits = bias.map(b -> normed.linear(weight, b)).orElseGet(() -> normed.linear(weight));
    Tensor scaled = scale == 1 ? logits : logits.mul(scale);
    return softcap.map(cap -> scaled.mul(1 / cap).tanh().mul(cap)).orElse(scaled);
  }

  /**
   * Negative log-likelihoods, in nats.
   *
   * @param hidden [n, H]
   * @param targets the ids that follow, [n]
   * @return F32 or F64, [n]
   */
  public Tensor losses(Tensor hidden, Tensor targets) {
    Tensor logProbabilities = logits(hidden).logSoftmax(-1);
    return logProbabilities.gather(-1, targets.unsqueeze(-1)).reshape(-1).mul(-1);
  }

  /**
   * The sum of the negative log-likelihoods of a sequence, in nats, in blocks that bound memory.
   *
   * @param hidden hidden states of the sequence, [T, H]
   * @param sequence its T token ids; T - 1 of them are predicted
   */
  public double loss(Tensor hidden, int[] sequence) {
    int predicted = sequence.length - 1;
    int block = (int) Math.max(1, Math.min(predicted, MAX_LOGITS / weight.size(0)));
    double sum = 0;
    for (int from = 0; from < predicted; from += block) {
      int count = Math.min(block, predicted - from);
      try (var _ = Scope.open()) {
        int[] next = Arrays.copyOfRange(sequence, from + 1, from + 1 + count);
        Tensor losses = losses(hidden.narrow(0, from, count), Tensors.ofInts(next));
        sum += losses.to(Dtype.F64).sum().item();
      }
    }
    return sum;
  }
}
