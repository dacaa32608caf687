package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
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

  /** The same where gradients are wanted, which take several times as much. */
  private static final long MAX_RECORDED_LOGITS = 16L << 20;

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
    double[] sum = {0};
    inBlocks(
        sequence.length - 1,
        MAX_LOGITS,
        (from, count) -> sum[0] += loss(hidden.narrow(0, from, count), sequence, from).item());
    return sum[0];
  }

  /**
   * The same with its gradient.
   *
   * @param hidden hidden states of the sequence, [T, H]
   * @param sequence its T token ids; T - 1 of them are predicted
   * @return the sum, and its gradient [T, H], which is zero for the last token
   */
  public Slope lossSlope(Tensor hidden, int[] sequence) {
    return slope(hidden, sequence.length - 1, (from, states) -> loss(states, sequence, from));
  }

  /** The sum of the losses of the tokens from a place on, F64. */
  private Tensor loss(Tensor states, int[] sequence, long from) {
    int start = Math.toIntExact(from);
    int[] next = Arrays.copyOfRange(sequence, start + 1, start + 1 + (int) states.size(0));
    return losses(states, Tensors.ofInts(next)).to(Dtype.F64).sum();
  }

  /**
   * A function of hidden states.
   *
   * @param sum its value
   * @param gradient with respect to the states, of their shape and type
   */
  public record Slope(double sum, Tensor gradient) {}

  /** A sum over tokens, of which some consecutive ones are given. */
  @FunctionalInterface
  public interface TokenSum {
    /**
     * The sum over some tokens.
     *
     * @param from index of the first
     * @param states of them, [n, H]
     * @return a number
     */
    Tensor over(long from, Tensor states);
  }

  /**
   * A function of states whose logits it needs, and its gradient, in blocks that bound memory.
   *
   * @param states [T, H]
   * @param tokens how many of the first count; the others have the gradient 0
   * @param function the sum over some of them
   */
  public Slope slope(Tensor states, long tokens, TokenSum function) {
    double[] sum = {0};
    Tensor gradients = Tensors.zeros(states.dtype(), states.shape());
    inBlocks(
        tokens,
        MAX_RECORDED_LOGITS,
        (from, count) -> {
          try (var recording = Autograd.record()) {
            Tensor here = states.narrow(0, from, count).detach();
            Autograd.require(here);
            Tensor value = function.over(from, here);
            sum[0] += value.item();
            Tensor gradient = recording.gradients(value, List.of(here)).getFirst();
            gradients.narrow(0, from, count).copyFrom(gradient);
          }
        });
    return new Slope(sum[0], gradients);
  }

  /**
   * The sum of a function of states whose logits it needs, in blocks that bound memory.
   *
   * @param states [T, H]
   * @param function the sum over some of them
   */
  public double sum(Tensor states, TokenSum function) {
    double[] sum = {0};
    inBlocks(
        states.size(0),
        MAX_RECORDED_LOGITS,
        (from, count) -> sum[0] += function.over(from, states.narrow(0, from, count)).item());
    return sum[0];
  }

  /** Some of the tokens. */
  @FunctionalInterface
  private interface Block {
    void at(long from, long count);
  }

  private void inBlocks(long tokens, long maxLogits, Block work) {
    long most = Math.max(1, maxLogits / weight.size(0));
    for (long from = 0; from < tokens; from += most) {
      try (var _ = Scope.open()) {
        work.at(from, Math.min(most, tokens - from));
      }
    }
  }
}
