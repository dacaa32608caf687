package dev.smelt.unlearn.loss;

import dev.smelt.model.tensor.Tensor;

/**
 * How likely sequences are, and how likely they were.
 *
 * @param sums negative log-likelihood of each sequence, in nats, summed over its predicted tokens,
 *     F32 or F64, [B]
 * @param reference the same under the untouched weights, [B]; carries no gradient
 * @param tokens predicted tokens of each sequence, [B], of the same type
 */
public record SequenceLosses(Tensor sums, Tensor reference, Tensor tokens) {
  /** Mean over all tokens. */
  public Tensor tokenMean() {
    return sums.sum().div(tokens.sum());
  }
}
