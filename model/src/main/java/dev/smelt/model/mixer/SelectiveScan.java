package dev.smelt.model.mixer;

import dev.smelt.model.mixer.Chunks.Result;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * The selective state space of Mamba (Gu and Dao, 2023, section 3): every channel has a state of n
 * numbers with a decay each, {@code h = exp(dt A) h + dt x B}, {@code y = h C}.
 *
 * <p>All that depends on one token only is computed for a chunk at once. What is left per token is
 * one fused multiplication and addition over all channels and states: since every one of them has
 * its own decay, a form with matrix products would need a decay for each pair of tokens, which is
 * more work, not less.
 */
final class SelectiveScan {
  /** Elements of a chunk's states, so that they stay in a cache. */
  private static final long CHUNK_ELEMENTS = 1L << 20;

  private static final long LONGEST_CHUNK = 64;

  private final Tensor input;
  private final Tensor steps;
  private final Tensor rates;
  private final Tensor into;
  private final Tensor outOf;

  private SelectiveScan(Tensor input, Tensor steps, Tensor rates, Tensor into, Tensor outOf) {
    this.input = input;
    this.steps = steps;
    this.rates = rates;
    this.into = into;
    this.outOf = outOf;
  }

  /**
   * Runs the recurrence from zero.
   *
   * @param input x: [B, T, channels], F32 or F64
   * @param steps dt: [B, T, channels], at least zero
   * @param rates A: [channels, n], at most zero
   * @param into B: [B, T, n]
   * @param outOf C: [B, T, n]
   * @return [B, T, channels]
   */
  static Tensor apply(Tensor input, Tensor steps, Tensor rates, Tensor into, Tensor outOf) {
    return new SelectiveScan(input, steps, rates, into, outOf).run();
  }

  private Tensor run() {
    long[] state = {input.size(0), 1, rates.size(0), rates.size(1)};
    long perToken = input.size(0) * rates.elements();
    long chunk = Math.clamp(CHUNK_ELEMENTS / perToken, 1, LONGEST_CHUNK);
    return Chunks.run(input.dtype(), state, input.shape(), chunk, this::step);
  }

  private Result step(Tensor state, long start, long length) {
    Tensor dt = steps.narrow(1, start, length);
    Tensor decay = dt.unsqueeze(-1).mul(rates).exp();
    Tensor b = into.narrow(1, start, length).unsqueeze(2);
    Tensor added = dt.mul(input.narrow(1, start, length)).unsqueeze(-1).mul(b);
    Tensor states =
        Autograd.isRecording() ? recorded(state, decay, added) : inPlace(state, decay, added);
    Tensor c = outOf.narrow(1, start, length).unsqueeze(2);
    return new Result(states.mul(c).sum(-1), states.narrow(1, length - 1, 1));
  }

  /** Turns what each token adds into the state after it. */
  private static Tensor inPlace(Tensor initial, Tensor decay, Tensor added) {
    Tensor before = initial.select(1, 0);
    for (long t = 0; t < added.size(1); t++) {
      Tensor now = added.select(1, t);
      now.addProductInPlace(decay.select(1, t), before);
      before = now;
    }
    return added;
  }

  private static Tensor recorded(Tensor initial, Tensor decay, Tensor added) {
    List<Tensor> states = new ArrayList<>();
    Tensor before = initial;
    for (long t = 0; t < added.size(1); t++) {
      before = added.narrow(1, t, 1).addProduct(decay.narrow(1, t, 1), before);
      states.add(before);
    }
    return Tensors.concat(states, 1);
  }
}
