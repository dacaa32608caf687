package dev.smelt.model.attention;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.List;

/**
 * Rotary position embedding of the first {@code 2 * frequencies.length} entries of a head.
 *
 * @param style which entries turn together
 * @param frequencies angle per position of each pair
 * @param scale factor on cosine and sine (yarn's attention factor, else 1)
 * @param longScale the factor instead if sequences are longer than {@code longFrom} tokens
 * @param longFrom the length up to which {@code scale} holds
 */
public record Rope(
    Style style, double[] frequencies, double scale, double longScale, long longFrom) {

  /** Which two entries of a head turn together. */
  public enum Style {
    /** Entry i with entry i + n/2. */
    HALF,
    /** Entry 2i with entry 2i + 1. */
    INTERLEAVED
  }

  /** One factor for all lengths. */
  public Rope(Style style, double[] frequencies, double scale) {
    this(style, frequencies, scale, scale, Long.MAX_VALUE);
  }

  /** Cosine and sine of every position, [positions, n/2] each. */
  public List<Tensor> tables(int positions, Dtype dtype) {
    int half = frequencies.length;
    double factor = positions > longFrom ? longScale : scale;
    double[] cos = new double[positions * half];
    double[] sin = new double[positions * half];
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * frequencies[i];
        cos[position * half + i] = Math.cos(angle) * factor;
        sin[position * half + i] = Math.sin(angle) * factor;
      }
    }
    return List.of(
        Tensors.ofDoubles(cos, positions, half).to(dtype),
        Tensors.ofDoubles(sin, positions, half).to(dtype));
  }

  /** Cosine and sine of {@code count} positions from {@code first} on, [count, n/2] each. */
  public List<Tensor> tables(int first, int count, Dtype dtype) {
    return tables(first + count, dtype).stream().map(t -> t.narrow(0, first, count)).toList();
  }

  /**
   * Turns heads [B, heads, T, d] by their positions. Pairs that were neighbours come out as halves:
   * queries and keys must both go through the same embedding.
   */
  public Tensor rotate(Tensor heads, List<Tensor> tables) {
    long n = 2L * frequencies.length;
    Tensor turning = heads.size(-1) == n ? heads : heads.narrow(-1, 0, n);
    Tensor first = entries(turning, 0);
    Tensor second = entries(turning, 1);
    Tensor cos = tables.get(0);
    Tensor sin = tables.get(1);
    Tensor real = first.mul(cos).sub(second.mul(sin));
    Tensor imaginary = second.mul(cos).add(first.mul(sin));
    List<Tensor> parts =
        heads.size(-1) == n
            ? List.of(real, imaginary)
            : List.of(real, imaginary, heads.narrow(-1, n, heads.size(-1) - n));
    return Tensors.concat(parts, -1);
  }

  /** The first or second entries of all pairs. */
  private Tensor entries(Tensor turning, int which) {
    int half = frequencies.length;
    return switch (style) {
      case HALF -> turning.narrow(-1, (long) which * half, half);
      case INTERLEAVED -> {
        long[] pairs = Arrays.copyOf(turning.shape(), turning.rank() + 1);
        pairs[pairs.length - 2] = half;
        pairs[pairs.length - 1] = 2;
        yield turning.reshape(pairs).select(-1, which);
      }
    };
  }
}
