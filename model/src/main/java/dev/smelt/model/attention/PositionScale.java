package dev.smelt.model.attention;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;

/**
 * Queries grow with the logarithm of their position: {@code 1 + weight * ln(1 + floor((position +
 * offset) / step))}.
 *
 * @param weight factor on the logarithm
 * @param step positions that share a factor
 * @param offset added to the position
 */
public record PositionScale(double weight, double step, int offset) {
  /** The factors of the first positions, [positions, 1]. */
  Tensor factors(int positions, Dtype dtype) {
    double[] factors = new double[positions];
    Arrays.setAll(factors, p -> 1 + weight * Math.log1p(Math.floor((p + offset) / step)));
    return Tensors.ofDoubles(factors, positions, 1).to(dtype);
  }

  /** Scales queries [B, heads, T, d]. */
  Tensor apply(Tensor queries) {
    return apply(queries, 0);
  }

  /** Scales queries [B, heads, T, d] whose first position is given. */
  Tensor apply(Tensor queries, int first) {
    long length = queries.size(2);
    Tensor factors = factors((int) (first + length), queries.dtype());
    return queries.mul(factors.narrow(0, first, length));
  }
}
