package dev.smelt.model;

import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;

/**
 * A gated feed-forward network: {@code down * (silu(gate * x) . (up * x))}.
 *
 * @param gate [I, H]
 * @param up [I, H]
 * @param down [H, I]
 */
public record Expert(Tensor gate, Tensor up, Tensor down) {
  /** What enters the down projection: [n, H] to [n, I]. */
  public Tensor intermediate(Tensor input) {
    Tensor z = input.linear(gate).silu();
    if (Autograd.isRecording()) {
      return z.mul(input.linear(up));
    }
    z.mulInPlace(input.linear(up));
    return z;
  }

  /** [n, H] to [n, H]. */
  public Tensor apply(Tensor input) {
    return intermediate(input).linear(down);
  }
}
