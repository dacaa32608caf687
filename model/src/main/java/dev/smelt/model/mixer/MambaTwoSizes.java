package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ModelConfig;
import tools.jackson.databind.JsonNode;

/**
 * The numbers of Mamba-2 in config.json, in the spelling of granitemoehybrid or of nemotron_h.
 *
 * @param hidden width of the model
 * @param heads number of heads
 * @param headSize channels of a head
 * @param groups groups of heads that share B and C
 * @param states n
 * @param kernel width of the convolution
 * @param normGroups groups of channels that the gated norm takes each on its own
 * @param epsilon of the gated norm
 * @param shortestStep lower bound of the time step
 * @param longestStep upper bound of the time step, which may be infinite
 */
record MambaTwoSizes(
    long hidden,
    long heads,
    long headSize,
    long groups,
    long states,
    long kernel,
    long normGroups,
    double epsilon,
    double shortestStep,
    double longestStep) {
  private static final String LIMIT = "time_step_limit";

  static MambaTwoSizes of(ModelConfig config) {
    return config.has("mamba_num_heads") ? nemotron(config) : granite(config);
  }

  /**
   * The gated norm is per group, and of the bounds only the lower one is used. Where a field has an
   * older name, that one counts, as in transformers.
   */
  private static MambaTwoSizes nemotron(ModelConfig config) {
    MixerCheck.silu(config, "mamba_hidden_act");
    long groups = config.integer("mamba_n_groups", config.integer("n_groups", 8));
    return new MambaTwoSizes(
        config.integer("hidden_size"),
        config.integer("mamba_num_heads"),
        config.integer("mamba_head_dim"),
        groups,
        config.integer("ssm_state_size"),
        config.integer("mamba_d_conv", config.integer("conv_kernel", 4)),
        groups,
        config.number("layer_norm_epsilon", 1e-5),
        config.number("mamba_dt_min", config.number("time_step_min", 0.001)),
        Double.POSITIVE_INFINITY);
  }

  private static MambaTwoSizes granite(ModelConfig config) {
    MixerCheck.silu(config, "hidden_act");
    long hidden = config.integer("hidden_size");
    long heads = config.integer("mamba_n_heads", 128);
    return new MambaTwoSizes(
        hidden,
        heads,
        config.integer("mamba_expand", 2) * hidden / Math.max(1, heads),
        config.integer("mamba_n_groups", 1),
        config.integer("mamba_d_state", 256),
        config.integer("mamba_d_conv", 4),
        1,
        config.number("rms_norm_eps", 1e-6),
        limit(config, 0, 0),
        limit(config, 1, Double.POSITIVE_INFINITY));
  }

  /** Infinity is written as a number, as a string, or as {@code {"__float__": "Infinity"}}. */
  private static double limit(ModelConfig config, int index, double byDefault) {
    JsonNode limits = config.at(LIMIT);
    if (!limits.isArray()) {
      return byDefault;
    }
    JsonNode limit =
        limits.path(index).isObject() ? limits.path(index).path("__float__") : limits.path(index);
    if (limit.isString() && limit.stringValue().equals("Infinity")) {
      return Double.POSITIVE_INFINITY;
    }
    if (!limit.isNumber()) {
      throw SmeltException.checkpoint(
          config.origin() + ": field '" + LIMIT + "' is " + limits + ", expected two numbers", "");
    }
    return limit.doubleValue();
  }

  /** Channels of all heads. */
  long channels() {
    return heads * headSize;
  }

  /** Channels that are convolved: those of all heads, and B and C of all groups. */
  long convolved() {
    return channels() + 2 * groups * states;
  }

  void check(Checkpoint checkpoint, String prefix) {
    new MixerCheck(checkpoint, prefix)
        .divides("the number of Mamba heads", heads, "the number of groups", groups)
        .divides("the number of Mamba channels", channels(), "the number of groups", normGroups)
        .shape("in_proj.weight", channels() + convolved() + heads, hidden)
        .shape("conv1d.weight", convolved(), 1, kernel)
        .shape("dt_bias", heads)
        .shape("A_log", heads)
        .shape("D", heads)
        .shape("norm.weight", channels())
        .shape("out_proj.weight", hidden, channels())
        .throwIfAny();
  }
}
