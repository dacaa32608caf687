package dev.smelt.model.mixer;

import dev.smelt.model.mixer.Chunks.Result;
import dev.smelt.model.tensor.Tensor;

/**
 * Linear attention whose memory decays by one factor per head and token, in chunks.
 *
 * <p>The recurrence per head is {@code S = exp(g) S + k v^T}, {@code y = S^T q}. Inside a chunk it
 * is a product of matrices with a mask of decays; between chunks only S is handed on. This is the
 * dual form of Mamba-2 (Dao and Gu, 2024, section 6) and of lightning attention, which has constant
 * decays.
 */
final class DecayScan {
  private static final long CHUNK = 64;

  private final Tensor queries;
  private final Tensor keys;
  private final Tensor values;
  private final Tensor logDecays;
  private final long batch;
  private final long groups;
  private final long perGroup;
  private final long width;

  private DecayScan(Tensor queries, Tensor keys, Tensor values, Tensor logDecays) {
    this.queries = queries;
    this.keys = keys;
    this.values = values;
    this.logDecays = logDecays;
    batch = values.size(0);
    groups = keys.size(2);
    perGroup = values.size(2) / groups;
    width = values.size(3);
  }

  /**
   * Runs the recurrence from an empty memory.
   *
   * @param queries [B, T, groups, n], F32 or F64
   * @param keys [B, T, groups, n]; the heads of a group share them
   * @param values [B, T, heads, d]
   * @param logDecays logarithms of the decays, at most zero: [B, T, heads]
   * @return [B, T, heads, d]
   */
  static Tensor apply(Tensor queries, Tensor keys, Tensor values, Tensor logDecays) {
    return new DecayScan(queries, keys, values, logDecays).run();
  }

  private Tensor run() {
    long[] state = {batch, groups, keys.size(3), perGroup * width};
    return Chunks.run(values.dtype(), state, values.shape(), CHUNK, this::step);
  }

  /** The heads of a group stand side by side in the state: [B, groups, n, heads of it * d]. */
  private Result step(Tensor state, long start, long length) {
    Tensor q = queries.narrow(1, start, length).transpose(1, 2);
    Tensor k = keys.narrow(1, start, length).transpose(1, 2);
    Tensor v = values.narrow(1, start, length).reshape(batch, length, groups, perGroup, width);
    Tensor g = logDecays.narrow(1, start, length).reshape(batch, length, groups, perGroup, 1);
    Tensor sums = g.cumulativeSum(1);

    Tensor between = Decay.between(sums.permute(0, 2, 3, 1, 4)).select(-1, 0);
    Tensor scores = q.matmul(k.transpose(2, 3)).unsqueeze(2).mul(between);
    Tensor inside = scores.matmul(v.permute(0, 2, 3, 1, 4)).permute(0, 3, 1, 2, 4);
    Tensor before = heads(q.matmul(state)).mul(sums.exp());

    Tensor total = sums.narrow(1, length - 1, 1);
    Tensor fading = v.mul(total.sub(sums).exp()).permute(0, 2, 1, 3, 4);
    Tensor added = k.transpose(2, 3).matmul(fading.reshape(batch, groups, length, -1));
    Tensor left =
        total.exp().reshape(batch, groups, perGroup, 1).expand(batch, groups, perGroup, width);
    Tensor next = state.mul(left.reshape(batch, groups, 1, -1)).add(added);
    return new Result(inside.add(before).reshape(batch, length, groups * perGroup, width), next);
  }

  /** [B, groups, n, heads of a group * d] to [B, n, groups, heads of a group, d]. */
  private Tensor heads(Tensor joined) {
    return joined.reshape(batch, groups, joined.size(2), perGroup, width).permute(0, 2, 1, 3, 4);
  }
}
