package dev.smelt.model.mixer;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/** Decays between the tokens of a chunk, from running sums of their logarithms. */
final class Decay {
  private Decay() {}

  /**
   * What is left at token t of what was there at token s: {@code exp(sum[t] - sum[s])} for {@code s
   * <= t}, else zero.
   *
   * <p>The difference is masked before the exponential, so that it never overflows.
   *
   * @param sums running sums of log decays, all of them at most zero: [.., n, c]
   * @return [.., n (t), n (s), c]
   */
  static Tensor between(Tensor sums) {
    int rank = sums.rank();
    Tensor difference = sums.unsqueeze(rank - 1).sub(sums.unsqueeze(rank - 2));
    return difference.maskedFill(future(sums.size(-2)), Double.NEGATIVE_INFINITY).exp();
  }

  /** Where s is after t: BOOL [n (t), n (s), 1]. */
  private static Tensor future(long length) {
    Tensor position = Tensors.range(length, Dtype.F32);
    return position.reshape(1, length, 1).sub(position.reshape(length, 1, 1)).greater(0);
  }

  /** The last of the running sums, with time kept as a dimension: [.., n, c] to [.., 1, c]. */
  static Tensor last(Tensor sums) {
    return sums.narrow(-2, sums.size(-2) - 1, 1);
  }
}
