package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a layer's output misses, F32, [n, H], in blocks of columns: each thread works on columns of
 * its own from gathering rows to adding them up, and waits for others once in each operation.
 */
final class Residual {
  /** Columns of a block at least. */
  private static final long MIN_COLUMNS = 128;

  private final List<Tensor> blocks = new ArrayList<>();
  private final long[] from;

  /** Zeros; the tensors belong to the open scope. */
  Residual(long tokens, long hidden) {
    int count = Math.clamp(hidden / MIN_COLUMNS, 1, Torch.threads());
    from = new long[count + 1];
    for (int b = 0; b < count; b++) {
      from[b + 1] = hidden * (b + 1) / count;
      blocks.add(Tensors.zeros(Dtype.F32, tokens, from[b + 1] - from[b]));
    }
  }

  private long hidden() {
    return from[blocks.size()];
  }

  private Tensor columns(Tensor rows, int block) {
    return rows.narrow(1, from[block], from[block + 1] - from[block]);
  }

  /**
   * Adds to some rows.
   *
   * @param index of the rows, [m]
   * @param rows F32, [m, H]
   */
  void add(Tensor index, Tensor rows) {
    Parallel.forEach(
        blocks.size(),
        b -> {
          try (var _ = Scope.open()) {
            blocks.get(b).indexAddInPlace(index, columns(rows, b).contiguous());
          }
        });
  }

  /** Sum of z r^T over an expert's tokens: products in F32, one per piece, added up in F64. */
  Tensor cross(int expert, ExpertFeatures features) {
    Tensor cross = Tensors.zeros(Dtype.F64, features.width(expert), hidden());
    Parallel.forEach(
        blocks.size(),
        b -> {
          try (var _ = Scope.open()) {
            Tensor own = columns(cross, b);
            features.forEach(
                expert,
                (index, z) -> {
                  Tensor rows = blocks.get(b).indexSelect(0, index);
                  own.addInPlace(z.transpose(0, 1).matmul(rows).to(Dtype.F64));
                });
          }
        });
    return cross;
  }

  /**
   * Takes what a change of an expert's down projection adds to the output off what is missing.
   *
   * @param change F32, [H, I]
   */
  void subtract(int expert, Tensor change, List<ExpertFeatures> features) {
    Parallel.forEach(
        blocks.size(),
        b -> {
          try (var _ = Scope.open()) {
            Tensor negative = change.narrow(0, from[b], from[b + 1] - from[b]).mul(-1);
            for (ExpertFeatures some : features) {
              some.forEach(
                  expert, (index, z) -> blocks.get(b).indexAddInPlace(index, z.linear(negative)));
            }
          }
        });
  }

  /** Sum of the squares of some rows. */
  double squares(int... tokens) {
    double[] sums = new double[blocks.size()];
    Parallel.forEach(blocks.size(), b -> sums[b] = squares(blocks.get(b), tokens));
    return Arrays.stream(sums).sum();
  }

  private static double squares(Tensor block, int... tokens) {
    double sum = 0;
    for (int start = 0; start < tokens.length; start += RepairTokens.PIECE) {
      int end = Math.min(tokens.length, start + RepairTokens.PIECE);
      try (var _ = Scope.open()) {
        Tensor index = Tensors.ofInts(Arrays.copyOfRange(tokens, start, end));
        sum += block.indexSelect(0, index).to(Dtype.F64).square().sum().item();
      }
    }
    return sum;
  }
}
