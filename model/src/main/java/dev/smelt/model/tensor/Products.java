package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import java.util.List;
import org.bytedeco.pytorch.global.torch;

/**
 * Products of matrices that OpenBLAS computes, F32 and F64: in blocks of rows or columns, one for
 * each thread.
 */
final class Products {
  /** Multiplications from which on a product is worth more than one thread. */
  private static final double WORTHWHILE = 4e6;

  /** Rows or columns of a block at least. */
  private static final long MIN_BLOCK = 16;

  private Products() {}

  /** Whether {@code left * right}, [.., k] and [k, n], is computed in blocks. */
  static boolean splits(Tensor left, Tensor right) {
    Dtype dtype = left.dtype();
    return (dtype.equals(Dtype.F32) || dtype.equals(Dtype.F64))
        && right.rank() == 2
        && (double) left.elements() * right.size(1) >= WORTHWHILE
        && !Parallel.isWorker()
        && Torch.threads() > 1;
  }

  /** {@code left * right} for [.., k] and [k, n]. */
  static Tensor of(Tensor left, Tensor right) {
    long[] shape = left.shape();
    shape[shape.length - 1] = right.size(1);
    Tensor rows = left.reshape(-1, left.size(-1));
    if (Autograd.isRecording()) {
      return recorded(rows, right).reshape(shape);
    }
    Tensor out = Tensors.empty(left.dtype(), rows.size(0), right.size(1));
    into(out, rows, right);
    return out.reshape(shape);
  }

  /** Overwrites {@code out} [m, n] with {@code left * right}, [m, k] and [k, n]; no gradient. */
  static void into(Tensor out, Tensor left, Tensor right) {
    boolean byRows = left.size(0) >= right.size(1);
    int dimension = byRows ? 0 : 1;
    long length = byRows ? left.size(0) : right.size(1);
    int blocks = blocks(length);
    Parallel.forEach(
        blocks,
        block -> {
          long from = length * block / blocks;
          long count = length * (block + 1) / blocks - from;
          try (var _ = Scope.open()) {
            Tensor part = out.narrow(dimension, from, count);
            Tensor a = byRows ? left.narrow(0, from, count) : left;
            Tensor b = byRows ? right : right.narrow(1, from, count);
            torch.mm_out(part.at(), a.at(), b.at());
          }
        });
  }

  private static int blocks(long length) {
    return Math.clamp(length / MIN_BLOCK, 1, Torch.threads());
  }

  /** As a batch of equal blocks of rows, whose products and gradients libtorch runs in parallel. */
  private static Tensor recorded(Tensor left, Tensor right) {
    long blocks = blocks(left.size(0));
    long rows = left.size(0) / blocks;
    long k = left.size(1);
    Tensor batch = left.narrow(0, 0, blocks * rows).reshape(blocks, rows, k);
    Tensor product = batch.bmm(right.unsqueeze(0).expand(blocks, k, right.size(1)));
    Tensor whole = product.reshape(blocks * rows, right.size(1));
    long rest = left.size(0) - blocks * rows;
    return rest == 0
        ? whole
        : Tensors.concat(List.of(whole, left.narrow(0, blocks * rows, rest).mm(right)), 0);
  }
}
