package dev.smelt.model.attention;

import dev.smelt.io.SmeltException;
import dev.smelt.model.ModelConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Reads the rotary embedding of a layer from config.json, in all spellings: {@code
 * rope_parameters}, also by layer type, or {@code rope_theta} with {@code rope_scaling}.
 *
 * @param config config.json
 * @param layer index of the layer
 * @param theta base where config.json is silent
 * @param partial share of a head that turns where config.json is silent
 */
public record RopeReader(ModelConfig config, int layer, double theta, double partial) {
  private static final List<String> SUPPORTED =
      List.of("default", "linear", "llama3", "yarn", "longrope", "proportional");

  /** The embedding of heads of size {@code headDim}, of which a configured share turns. */
  public Rope read(Rope.Style style, int headDim) {
    double share =
        number("partial_rotary_factor")
            .or(() -> config.number("partial_rotary_factor"))
            .or(() -> config.number("rotary_dim").map(dim -> dim / headDim))
            .orElse(partial);
    return type().equals("proportional")
        ? proportional(style, headDim, share)
        : turning(style, (int) (headDim * share));
  }

  /** The embedding that turns all of {@code dim} entries, whatever config.json says of shares. */
  public Rope turning(Rope.Style style, int dim) {
    double[] inverse = new double[dim / 2];
    double base = base();
    Arrays.setAll(inverse, i -> Math.pow(base, -2.0 * i / dim));
    return switch (type()) {
      case "default" -> new Rope(style, inverse, 1);
      case "linear" -> new Rope(style, divided(inverse, required("factor")), 1);
      case "llama3" -> new Rope(style, llama3(inverse), 1);
      case "yarn" -> new Yarn(this, inverse, base).rope(style);
      case "longrope" -> longRope(style, inverse);
      default ->
          throw SmeltException.unsupported(
              config.origin() + ": rope type '" + type() + "' is not supported",
              "supported: " + String.join(", ", SUPPORTED));
    };
  }

  /**
   * The factor that latent attention puts on its scores: the square of yarn's magnitude for {@code
   * mscale_all_dim}, or 1.
   */
  public double latentScale() {
    double weight = number("mscale_all_dim").orElse(0.0);
    if (type().equals("default") || weight == 0) {
      return 1;
    }
    double magnitude = Yarn.magnitude(required("factor"), weight);
    return magnitude * magnitude;
  }

  /** A parameter of the rotary embedding. */
  public Optional<Double> number(String field) {
    return config.number(at() + field);
  }

  /** A parameter of the rotary embedding that its type needs. */
  double required(String field) {
    return number(field)
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    config.origin() + ": field '" + at() + field + "' is missing",
                    "rope type '" + type() + "' needs it"));
  }

  boolean flag(String field, boolean byDefault) {
    return config.flag(at() + field, byDefault);
  }

  /** The length of sequences in training before it was extended. */
  double originalLength() {
    return number("original_max_position_embeddings")
        .or(() -> config.number("original_max_position_embeddings"))
        .or(() -> config.number("max_position_embeddings"))
        .orElseGet(() -> required("original_max_position_embeddings"));
  }

  private String at() {
    String nested = config.rope() + config.layerType(layer).orElse("") + ".";
    return config.has(nested + "rope_theta") || config.has(nested + "rope_type")
        ? nested
        : config.rope();
  }

  private String type() {
    return config.text(at() + "rope_type", config.text(at() + "type", "default"));
  }

  private double base() {
    return config
        .number("layer_rope_theta." + layer)
        .or(() -> number("rope_theta"))
        .or(() -> config.number("rope_theta"))
        .orElse(theta);
  }

  /** Turns only the first pairs, with the frequencies of a head that turns as a whole. */
  private Rope proportional(Rope.Style style, int headDim, double share) {
    int turning = (int) (share * headDim / 2);
    double base = base();
    double factor = number("factor").orElse(1.0);
    double[] inverse = new double[headDim / 2];
    Arrays.setAll(inverse, i -> i < turning ? Math.pow(base, -2.0 * i / headDim) / factor : 0);
    return new Rope(style, inverse, 1);
  }

  /** Frequencies divided by the factors for short sequences, as transformers 5 does always. */
  private Rope longRope(Rope.Style style, double[] inverse) {
    double[] scaled = new double[inverse.length];
    Arrays.setAll(scaled, i -> inverse[i] / required("short_factor." + i));
    return new Rope(
        style, scaled, required("short_mscale"), required("long_mscale"), (long) originalLength());
  }

  private double[] llama3(double[] inverse) {
    double factor = required("factor");
    double low = required("low_freq_factor");
    double high = required("high_freq_factor");
    double length = required("original_max_position_embeddings");
    return Arrays.stream(inverse)
        .map(
            f -> {
              double turns = length * f / (2 * Math.PI);
              double smooth = Math.clamp((turns - low) / (high - low), 0, 1);
              return (1 - smooth) * f / factor + smooth * f;
            })
        .toArray();
  }

  private static double[] divided(double[] values, double divisor) {
    return Arrays.stream(values).map(value -> value / divisor).toArray();
  }
}
