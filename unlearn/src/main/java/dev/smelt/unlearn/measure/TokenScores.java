package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;

/**
 * How a model sees each predicted token of a sequence, with the true tokens before it. Arrays
 * belong to the record and are not to be modified.
 *
 * @param logProbabilities log-likelihood of the token, in nats, [n]
 * @param standardised the same less its mean under the model's distribution, divided by its
 *     standard deviation there (Min-K++, arXiv 2404.02936, equation 3), [n]
 * @param correct whether the token is the most likely one, [n]
 */
public record TokenScores(double[] logProbabilities, double[] standardised, boolean[] correct) {
  /** Elements of a block of logits: 128 MiB in F32. */
  private static final long MAX_LOGITS = 32L << 20;

  /** Number of predicted tokens. */
  public int tokens() {
    return logProbabilities.length;
  }

  /** Mean negative log-likelihood, in nats. */
  public double loss() {
    return -Arrays.stream(logProbabilities).average().orElse(Double.NaN);
  }

  /** The scores of the last tokens of the sequence. */
  public TokenScores last(int count) {
    int from = tokens() - count;
    return new TokenScores(
        Arrays.copyOfRange(logProbabilities, from, tokens()),
        Arrays.copyOfRange(standardised, from, tokens()),
        Arrays.copyOfRange(correct, from, tokens()));
  }

  /**
   * Scores a sequence.
   *
   * @param head of the model
   * @param hidden hidden states after the last layer, [T, H]
   * @param sequence its T token ids; T - 1 of them are predicted
   */
  public static TokenScores of(LanguageHead head, Tensor hidden, int[] sequence) {
    int predicted = sequence.length - 1;
    double[] logs = new double[predicted];
    double[] standardised = new double[predicted];
    boolean[] correct = new boolean[predicted];
    int block = Math.clamp(MAX_LOGITS / head.weight().size(0), 1, Math.max(1, predicted));
    for (int from = 0; from < predicted; from += block) {
      int count = Math.min(block, predicted - from);
      try (var _ = Scope.open()) {
        int[] next = Arrays.copyOfRange(sequence, from + 1, from + 1 + count);
        Tensor all = head.logits(hidden.narrow(0, from, count)).logSoftmax(-1).to(Dtype.F64);
        Tensor own = all.gather(-1, Tensors.ofInts(next).unsqueeze(-1)).reshape(-1);
        Tensor probabilities = all.exp();
        Tensor mean = probabilities.mul(all).sum(-1);
        Tensor variance = probabilities.mul(all.square()).sum(-1).sub(mean.square());
        Tensor z = own.sub(mean).div(variance.clamp(1e-12, Double.MAX_VALUE).sqrt());
        System.arraycopy(own.toDoubles(), 0, logs, from, count);
        System.arraycopy(z.toDoubles(), 0, standardised, from, count);
        long[] best = all.argmax(-1).toLongs();
        for (int i = 0; i < count; i++) {
          correct[from + i] = best[i] == next[i];
        }
      }
    }
    return new TokenScores(logs, standardised, correct);
  }
}
