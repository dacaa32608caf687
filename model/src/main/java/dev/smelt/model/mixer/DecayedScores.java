package dev.smelt.model.mixer;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * Inner products between the tokens of a chunk, each channel with the decay from the earlier token
 * to the later one; zero where the earlier one would be the later one.
 *
 * @param queries of queries (rows) with keys: [B, heads, n, n]
 * @param keys of keys (rows) with keys: [B, heads, n, n]
 */
record DecayedScores(Tensor queries, Tensor keys) {
  private static final long BLOCK = 16;

  /**
   * Computes both.
   *
   * @param queries [B, heads, n, k]
   * @param keys [B, heads, n, k]
   * @param sums running sums of log decays: [B, heads, n, k], or [B, heads, n, 1] for one decay per
   *     head
   */
  static DecayedScores of(Tensor queries, Tensor keys, Tensor sums) {
    return sums.size(-1) == 1 ? perHead(queries, keys, sums) : perChannel(queries, keys, sums);
  }

  private static DecayedScores perHead(Tensor queries, Tensor keys, Tensor sums) {
    Tensor decays = Decay.between(sums).select(-1, 0);
    Tensor right = keys.transpose(2, 3);
    return new DecayedScores(queries.matmul(right).mul(decays), keys.matmul(right).mul(decays));
  }

  /** Rows of blocks: each has full blocks before the diagonal, and one on it. */
  private static DecayedScores perChannel(Tensor queries, Tensor keys, Tensor sums) {
    long length = keys.size(2);
    Tensor both = Tensors.concat(List.of(queries.unsqueeze(0), keys.unsqueeze(0)), 0);
    List<Tensor> rows = new ArrayList<>();
    for (long start = 0; start < length; start += BLOCK) {
      long count = Math.min(BLOCK, length - start);
      List<Tensor> row = new ArrayList<>();
      if (start > 0) {
        row.add(before(both, keys, sums, start, count));
      }
      row.add(diagonal(both, keys, sums, start, count));
      long after = length - start - count;
      if (after > 0) {
        row.add(Tensors.zeros(keys.dtype(), 2, keys.size(0), keys.size(1), count, after));
      }
      rows.add(Tensors.concat(row, -1));
    }
    Tensor scores = Tensors.concat(rows, -2);
    return new DecayedScores(scores.select(0, 0), scores.select(0, 1));
  }

  /**
   * A block's tokens with all tokens before the block. The decay is split where the block starts:
   * both factors are at most one, so that neither can overflow.
   */
  private static Tensor before(Tensor both, Tensor keys, Tensor sums, long start, long count) {
    Tensor border = sums.narrow(2, start - 1, 1);
    Tensor left = both.narrow(3, start, count).mul(sums.narrow(2, start, count).sub(border).exp());
    Tensor right = keys.narrow(2, 0, start).mul(border.sub(sums.narrow(2, 0, start)).exp());
    return left.matmul(right.transpose(2, 3));
  }

  /** A block's tokens with each other, with a decay for each pair and channel. */
  private static Tensor diagonal(Tensor both, Tensor keys, Tensor sums, long start, long count) {
    Tensor decays = Decay.between(sums.narrow(2, start, count));
    Tensor right = keys.narrow(2, start, count).unsqueeze(2).mul(decays);
    return both.narrow(3, start, count).unsqueeze(4).mul(right).sum(-1);
  }
}
