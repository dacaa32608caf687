package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.List;

/** FP8 matrices whose square blocks have a scale each, in {@code NAME_scale_inv}. */
final class Fp8 {
  /** What follows the name of a matrix in the name of its scales. */
  static final String SCALES = "_scale_inv";

  private static final String BLOCK_SIZE = "quantization_config.weight_block_size.";

  private Fp8() {}

  /**
   * The matrix, [rows, columns].
   *
   * @param stored F8_E4M3, [rows, columns]
   * @param scales [ceil(rows / block), ceil(columns / block)]
   */
  static Tensor load(Weights weights, StoredTensor stored, StoredTensor scales) {
    Dtype wide = weights.wide();
    long rowBlock = blockSize(weights, 0);
    long columnBlock = blockSize(weights, 1);
    Tensor values = Weights.stored(weights.checkpoint(), stored).to(wide);
    Tensor factors = Weights.stored(weights.checkpoint(), scales).to(wide);
    long rows = values.size(0);
    long columns = values.size(1);
    checkBlocks(stored, scales, rowBlock, columnBlock);
    Tensor scaled =
        rows % rowBlock == 0 && columns % columnBlock == 0
            ? values
                .reshape(rows / rowBlock, rowBlock, columns / columnBlock, columnBlock)
                .mul(factors.unsqueeze(1).unsqueeze(-1))
                .reshape(rows, columns)
            : values.mul(
                factors
                    .indexSelect(0, blocks(rows, rowBlock))
                    .indexSelect(1, blocks(columns, columnBlock)));
    return scaled.to(weights.dtype());
  }

  private static void checkBlocks(StoredTensor stored, StoredTensor scales, long rows, long cols) {
    List<Long> expected =
        List.of(Math.ceilDiv(stored.dim(0), rows), Math.ceilDiv(stored.dim(1), cols));
    if (!scales.shape().equals(expected)) {
      throw SmeltException.checkpoint(
          scales.file()
              + ": tensor '"
              + scales.name()
              + "' has shape "
              + scales.shape()
              + ", expected "
              + expected,
          "weight_block_size in config.json must fit the scales");
    }
  }

  /** The block of each index. */
  private static Tensor blocks(long length, long block) {
    long[] blocks = new long[(int) length];
    Arrays.setAll(blocks, i -> i / block);
    return Tensors.ofLongs(blocks, length);
  }

  private static long blockSize(Weights weights, int dimension) {
    return weights.checkpoint().config().integer(BLOCK_SIZE + dimension).orElse(128L);
  }
}
