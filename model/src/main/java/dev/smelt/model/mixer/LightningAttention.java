package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * Lightning attention (MiniMax, 2025), as in minimax: linear attention in which each head forgets
 * at its own constant rate.
 *
 * @param input [heads * 3 d, hidden]: rows of a head's query, key and value
 * @param logDecays [heads], negative
 * @param norm over all heads
 * @param gate [heads * d, hidden], before the sigmoid
 * @param output [hidden, heads * d]
 */
public record LightningAttention(
    Linear input, Tensor logDecays, GatedNorm norm, Linear gate, Linear output) implements Mixer {
  private static final double NORM_EPSILON = 1e-6;
  private static final String SLOPES = "slope_rate";

  /**
   * Refuses activations but SiLU, and tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.self_attn.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    MixerCheck.silu(config, "hidden_act");
    long hidden = config.integer("hidden_size");
    long heads = config.integer("num_attention_heads");
    long size = config.integer("head_dim", (int) (hidden / Math.max(1, heads)));
    MixerCheck check =
        new MixerCheck(checkpoint, prefix)
            .shape("qkv_proj.weight", 3 * heads * size, hidden)
            .shape("output_gate.weight", heads * size, hidden)
            .shape("norm.weight", heads * size)
            .shape("out_proj.weight", hidden, heads * size);
    if (checkpoint.find(prefix + SLOPES).isPresent()) {
      check.elements(SLOPES, heads);
    }
    check.throwIfAny();
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.self_attn.}
   * @param layer index of the layer, which the rates depend on where they are not stored
   */
  public static LightningAttention load(
      Weights weights, String prefix, ModelConfig config, int layer) {
    check(weights.checkpoint(), prefix, config);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    Dtype wide = MixerTensors.wide(weights.dtype());
    boolean stored = weights.checkpoint().find(prefix + SLOPES).isPresent();
    Tensor slopes = stored ? tensors.wide(SLOPES) : slopes(config, layer).to(wide);
    return new LightningAttention(
        tensors.linear("qkv_proj"),
        slopes.reshape(-1).mul(-1),
        tensors.gatedNorm("norm", NORM_EPSILON),
        tensors.linear("output_gate"),
        tensors.linear("out_proj"));
  }

  /** A geometric series over the heads, which later layers flatten. */
  static Tensor slopes(ModelConfig config, int layer) {
    int heads = config.integer("num_attention_heads");
    double depth = config.integer("num_hidden_layers") - 1 + 1e-5;
    double factor = 1 - layer / depth + 1e-5;
    double[] slopes = new double[heads];
    for (int h = 0; h < heads; h++) {
      slopes[h] = Math.pow(2, -8.0 * (h + 1) / heads) * factor;
    }
    return Tensors.ofDoubles(slopes, heads);
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Dtype wide = logDecays.dtype();
    long batch = hidden.size(0);
    long length = hidden.size(1);
    long heads = logDecays.size(0);
    Tensor projected = input.apply(hidden).to(wide).silu().reshape(batch, length, heads, -1);
    long size = projected.size(-1) / 3;
    Tensor mixed =
        DecayScan.apply(
            projected.narrow(-1, 0, size),
            projected.narrow(-1, size, size),
            projected.narrow(-1, 2 * size, size),
            logDecays.expand(batch, length, heads));
    Tensor opened = gate.apply(hidden).to(wide).sigmoid();
    Tensor gated = norm.apply(mixed.reshape(opened.shape())).mul(opened);
    return output.apply(gated.to(hidden.dtype()));
  }
}
