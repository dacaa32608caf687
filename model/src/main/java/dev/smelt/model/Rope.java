package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.List;

/**
 * Rotary position embedding in the half-split form: entry i of a head turns with entry i + d/2.
 *
 * @param frequencies angle per position of each pair, [d/2]
 * @param scale factor on cosine and sine (yarn's attention factor, else 1)
 */
public record Rope(double[] frequencies, double scale) {

  /** Reads the variant from config.json for heads of size {@code headDim}. */
  public static Rope of(ModelConfig config, int headDim, double defaultTheta) {
    String at = config.rope();
    double theta = config.number(at + "rope_theta", config.number("rope_theta", defaultTheta));
    double[] inverse = new double[headDim / 2];
    Arrays.setAll(inverse, i -> Math.pow(theta, -2.0 * i / headDim));
    String type = config.text(at + "rope_type", config.text(at + "type", "default"));
    return switch (type) {
      case "default" -> new Rope(inverse, 1);
      case "linear" -> new Rope(divided(inverse, required(config, at + "factor")), 1);
      case "llama3" -> new Rope(llama3(config, at, inverse), 1);
      case "yarn" -> yarn(config, at, inverse, theta);
      default ->
          throw SmeltException.unsupported(
              config.origin() + ": rope type '" + type + "' is not supported",
              "supported: default, linear, llama3, yarn");
    };
  }

  /** Cosine and sine of every position, [positions, d/2] each. */
  public List<Tensor> tables(int positions, Dtype dtype) {
    int half = frequencies.length;
    float[] cos = new float[positions * half];
    float[] sin = new float[positions * half];
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * frequencies[i];
        cos[position * half + i] = (float) (Math.cos(angle) * scale);
        sin[position * half + i] = (float) (Math.sin(angle) * scale);
      }
    }
    return List.of(
        Tensors.ofFloats(cos, positions, half).to(dtype),
        Tensors.ofFloats(sin, positions, half).to(dtype));
  }

  /** Turns heads [B, heads, T, d] by their positions. */
  public static Tensor rotate(Tensor heads, List<Tensor> tables) {
    long half = heads.size(-1) / 2;
    Tensor first = heads.narrow(-1, 0, half);
    Tensor second = heads.narrow(-1, half, half);
    Tensor cos = tables.get(0);
    Tensor sin = tables.get(1);
    return Tensors.concat(
        List.of(first.mul(cos).sub(second.mul(sin)), second.mul(cos).add(first.mul(sin))), -1);
  }

  private static double[] llama3(ModelConfig config, String at, double[] inverse) {
    double factor = required(config, at + "factor");
    double low = required(config, at + "low_freq_factor");
    double high = required(config, at + "high_freq_factor");
    double length = required(config, at + "original_max_position_embeddings");
    return Arrays.stream(inverse)
        .map(
            f -> {
              double turns = length * f / (2 * Math.PI);
              double smooth = Math.clamp((turns - low) / (high - low), 0, 1);
              return (1 - smooth) * f / factor + smooth * f;
            })
        .toArray();
  }

  private static Rope yarn(ModelConfig config, String at, double[] inverse, double theta) {
    double factor = required(config, at + "factor");
    int dim = 2 * inverse.length;
    double length =
        config.number(
            at + "original_max_position_embeddings", config.number("max_position_embeddings", 0));
    double low = yarnDimension(config.number(at + "beta_fast", 32), dim, length, theta);
    double high = yarnDimension(config.number(at + "beta_slow", 1), dim, length, theta);
    if (config.flag(at + "truncate", true)) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    double from = Math.max(low, 0);
    double to = Math.max(Math.min(high, dim - 1), from + 0.001);
    double[] blended = new double[inverse.length];
    for (int i = 0; i < blended.length; i++) {
      double stretched = Math.clamp((i - from) / (to - from), 0, 1);
      blended[i] = inverse[i] / factor * stretched + inverse[i] * (1 - stretched);
    }
    return new Rope(blended, yarnScale(config, at, factor));
  }

  /** The dimension whose wave turns {@code turns} times in the original length. */
  private static double yarnDimension(double turns, int dim, double length, double theta) {
    return dim * Math.log(length / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private static double yarnScale(ModelConfig config, String at, double factor) {
    double all = config.number(at + "mscale_all_dim", 0);
    double own = config.number(at + "mscale", 0);
    double byDefault =
        all != 0 && own != 0
            ? magnitude(factor, own) / magnitude(factor, all)
            : magnitude(factor, 1);
    return config.number(at + "attention_factor", byDefault);
  }

  private static double magnitude(double factor, double weight) {
    return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  }

  private static double[] divided(double[] values, double divisor) {
    return Arrays.stream(values).map(value -> value / divisor).toArray();
  }

  private static double required(ModelConfig config, String field) {
    return config
        .number(field)
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    config.origin() + ": field '" + field + "' is missing",
                    "this rope type needs it"));
  }
}
