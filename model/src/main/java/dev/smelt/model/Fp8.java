package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.Fp8Rows.Scales;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** FP8 matrices whose square blocks have a scale each, in {@code NAME_scale_inv}. */
public final class Fp8 {
  /** What follows the name of a matrix in the name of its scales. */
  public static final String SCALES = "_scale_inv";

  private static final String CONFIG = "quantization_config.";
  private static final String BLOCK_SIZE = CONFIG + "weight_block_size.";

  /** The largest finite value of E4M3. */
  private static final double LARGEST = 448;

  private Fp8() {}

  /**
   * The matrix, [rows, columns].
   *
   * @param stored F8_E4M3 or F8_E5M2, [rows, columns]
   * @param scales [ceil(rows / block), ceil(columns / block)]
   */
  static Tensor load(Weights weights, StoredTensor stored, StoredTensor scales) {
    int rowBlock = blockSize(weights.checkpoint().config(), 0);
    int columnBlock = blockSize(weights.checkpoint().config(), 1);
    checkBlocks(stored, scales, rowBlock, columnBlock);
    checkFormat(stored);
    float[] factors = Weights.stored(weights.checkpoint(), scales).toFloats();
    for (int i = 0; i < factors.length; i++) {
      factors[i] = Float.isNaN(factors[i]) ? Float.NaN : factors[i];
    }
    int across = Math.toIntExact(scales.dim(1));
    int columns = Math.toIntExact(stored.dim(1));
    MemorySegment codes = weights.checkpoint().data(stored);
    return decode(
        new CodedMatrix(codes, stored.dim(0), columns),
        stored.dtype(),
        new Scales(factors, across, rowBlock, columnBlock),
        weights.dtype());
  }

  private static Tensor decode(CodedMatrix matrix, Dtype format, Scales scales, Dtype type) {
    int columns = matrix.columns();
    int wide = Math.ceilDiv(columns, Fp8Rows.UNIT) * Fp8Rows.UNIT;
    if (wide > columns) {
      return decode(matrix.padded(wide), format, scales, type).narrow(1, 0, columns).contiguous();
    }
    Dtype written = CodedMatrix.written(type);
    return matrix.decode(type, () -> new Fp8Rows(format, columns, scales, written));
  }

  private static void checkFormat(StoredTensor stored) {
    if (!stored.dtype().equals(Dtype.F8_E4M3) && !stored.dtype().equals(Dtype.F8_E5M2)) {
      throw SmeltException.unsupported(
          "%s: tensor '%s' has type %s and scales in blocks"
              .formatted(stored.file(), stored.name(), stored.dtype()),
          "smelt reads F8_E4M3 and F8_E5M2 with scales in blocks");
    }
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

  private static int blockSize(ConfigDocument config, int dimension) {
    return Math.toIntExact(config.integer(BLOCK_SIZE + dimension).orElse(128L));
  }

  /**
   * A matrix in FP8.
   *
   * @param values F8_E4M3, [rows, columns]
   * @param scales F32, [ceil(rows / block), ceil(columns / block)]; values times these are the
   *     matrix
   */
  public record Quantised(Tensor values, Tensor scales) {}

  /**
   * Rounds a matrix to FP8 with the block size of a config.json: the largest magnitude of each
   * block becomes the largest value of the format. Scales are powers of two if the config says so
   * ({@code scale_fmt} ue8m0).
   *
   * @param matrix [rows, columns], finite
   */
  public static Quantised quantise(Tensor matrix, ConfigDocument config) {
    long rowBlock = blockSize(config, 0);
    long columnBlock = blockSize(config, 1);
    long rows = matrix.size(0);
    long columns = matrix.size(1);
    long down = Math.ceilDiv(rows, rowBlock);
    long across = Math.ceilDiv(columns, columnBlock);
    Tensor blocks =
        padded(matrix.to(Dtype.F32), down * rowBlock, across * columnBlock)
            .reshape(down, rowBlock, across, columnBlock);
    double[] factors = blocks.abs().max(3).max(1).toDoubles();
    boolean powers = config.string(CONFIG + "scale_fmt").filter("ue8m0"::equals).isPresent();
    Arrays.setAll(factors, i -> scale(factors[i], powers));
    Tensor scales = Tensors.ofDoubles(factors, down, across).to(Dtype.F32);
    Tensor values =
        blocks
            .div(scales.unsqueeze(1).unsqueeze(-1))
            .reshape(down * rowBlock, across * columnBlock)
            .narrow(0, 0, rows)
            .narrow(1, 0, columns)
            .contiguous();
    return new Quantised(values.to(Dtype.F8_E4M3), scales);
  }

  /** The scale of a block with this largest magnitude; of a block of zeros it is one. */
  private static double scale(double largest, boolean powerOfTwo) {
    if (largest == 0) {
      return 1;
    }
    double exact = largest / LARGEST;
    if (!powerOfTwo) {
      return exact;
    }
    int exponent = Math.getExponent(exact);
    return Math.scalb(1.0, Math.scalb(1.0, exponent) < exact ? exponent + 1 : exponent);
  }

  private static Tensor padded(Tensor matrix, long rows, long columns) {
    Tensor tall =
        rows == matrix.size(0)
            ? matrix
            : Tensors.concat(
                List.of(matrix, Tensors.zeros(Dtype.F32, rows - matrix.size(0), matrix.size(1))),
                0);
    return columns == tall.size(1)
        ? tall
        : Tensors.concat(List.of(tall, Tensors.zeros(Dtype.F32, rows, columns - tall.size(1))), 1);
  }
}
