package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * Kimi Delta Attention (Kimi Team, 2025), as in kimi_linear: the gated delta rule with a decay for
 * every channel of a key.
 *
 * @param query of all heads
 * @param key of all heads
 * @param value of all heads
 * @param forget what the decays come from
 * @param strength [heads, hidden], before the sigmoid
 * @param gate of the output, before the sigmoid
 * @param norm over each head's values
 * @param output [hidden, heads * d]
 */
public record KimiDeltaAttention(
    Convolved query,
    Convolved key,
    Convolved value,
    ForgetGate forget,
    Linear strength,
    LowRank gate,
    GatedNorm norm,
    Linear output)
    implements Mixer {

  /**
   * A projection that is convolved.
   *
   * @param projection [heads * d, hidden]
   * @param convolution over its channels
   */
  record Convolved(Linear projection, CausalConvolution convolution) {
    static Convolved load(MixerTensors tensors, String name) {
      return new Convolved(tensors.linear(name + "_proj"), tensors.convolution(name + "_conv1d"));
    }

    Tensor apply(Tensor hidden) {
      return convolution.apply(projection.apply(hidden)).silu();
    }
  }

  /**
   * A product of two projections.
   *
   * @param first [d, hidden]
   * @param second [heads * d, d]
   */
  record LowRank(Linear first, Linear second) {
    static LowRank load(MixerTensors tensors, String name) {
      return new LowRank(tensors.linear(name + "_a_proj"), tensors.linear(name + "_b_proj"));
    }

    Tensor apply(Tensor hidden) {
      return second.apply(first.apply(hidden));
    }
  }

  /**
   * The logarithms of the decays.
   *
   * @param projection of the input
   * @param bias [heads * d]
   * @param rates [heads, 1], negative
   */
  record ForgetGate(LowRank projection, Tensor bias, Tensor rates) {
    /** [B, T, hidden] to [B, T, heads, d]. */
    Tensor apply(Tensor hidden) {
      Tensor projected = projection.apply(hidden).to(bias.dtype()).add(bias);
      return split(projected.softplus(), rates.size(0)).mul(rates);
    }
  }

  /**
   * Refuses activations but SiLU, and tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.self_attn.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    MixerCheck.silu(config, "hidden_act");
    long hidden = config.integer("hidden_size");
    long heads = heads(config);
    long size = number(config, "linear_head_dim", "head_dim", 128);
    long all = heads * size;
    long kernel = number(config, "linear_conv_kernel_dim", "short_conv_kernel_size", 4);
    MixerCheck check = new MixerCheck(checkpoint, prefix);
    for (String name : new String[] {"q", "k", "v"}) {
      check.shape(name + "_proj.weight", all, hidden);
      check.shape(name + "_conv1d.weight", all, 1, kernel);
    }
    for (String name : new String[] {"f", "g"}) {
      check.shape(name + "_a_proj.weight", size, hidden);
      check.shape(name + "_b_proj.weight", all, size);
    }
    check
        .shape("b_proj.weight", heads, hidden)
        .elements("A_log", heads)
        .elements("dt_bias", all)
        .shape("o_norm.weight", size)
        .shape("o_proj.weight", hidden, all)
        .throwIfAny();
  }

  /** A field of transformers, or as the published checkpoints spell it. */
  private static int number(ModelConfig config, String field, String published, int byDefault) {
    return config.integer(field, config.integer("linear_attn_config." + published, byDefault));
  }

  private static int heads(ModelConfig config) {
    return number(config, "linear_num_heads", "num_heads", 32);
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.self_attn.}
   */
  public static KimiDeltaAttention load(Weights weights, String prefix, ModelConfig config) {
    check(weights.checkpoint(), prefix, config);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    ForgetGate forget =
        new ForgetGate(
            LowRank.load(tensors, "f"),
            tensors.wide("dt_bias").reshape(-1),
            tensors.rates("A_log").reshape(heads(config), 1));
    return new KimiDeltaAttention(
        Convolved.load(tensors, "q"),
        Convolved.load(tensors, "k"),
        Convolved.load(tensors, "v"),
        forget,
        tensors.linear("b_proj"),
        LowRank.load(tensors, "g"),
        tensors.gatedNorm("o_norm", config.number("rms_norm_eps", 1e-5)),
        tensors.linear("o_proj"));
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Dtype wide = norm.weight().dtype();
    long heads = forget.rates().size(0);
    Tensor mixed =
        DeltaRule.apply(
            split(query.apply(hidden), heads),
            split(key.apply(hidden), heads),
            split(value.apply(hidden), heads),
            forget.apply(hidden),
            strength.apply(hidden).to(wide).sigmoid().unsqueeze(-1));
    Tensor opened = gate.apply(hidden).to(wide).sigmoid();
    Tensor gated = norm.apply(mixed).reshape(opened.shape()).mul(opened);
    return output.apply(gated.to(hidden.dtype()));
  }

  /** [B, T, heads * d] to [B, T, heads, d]. */
  private static Tensor split(Tensor joined, long heads) {
    return joined.reshape(joined.size(0), joined.size(1), heads, joined.size(2) / heads);
  }
}
