package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * Gated DeltaNet (Yang et al., 2024), as in qwen3_next and qwen3_5_moe: the gated delta rule with
 * one decay per head.
 *
 * @param sizes numbers of heads and channels
 * @param input everything that is linear in the input
 * @param convolution over queries, keys and values
 * @param decayBias added to the decays, [value heads]
 * @param rates of decay, [value heads], negative
 * @param norm over each head's values
 * @param output [hidden, values]
 */
public record GatedDeltaNet(
    GatedDeltaSizes sizes,
    GatedDeltaInput input,
    CausalConvolution convolution,
    Tensor decayBias,
    Tensor rates,
    GatedNorm norm,
    Linear output)
    implements Mixer {

  /**
   * Refuses activations but SiLU, and tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.linear_attn.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    GatedDeltaSizes sizes = GatedDeltaSizes.of(config);
    long convolved = 2 * sizes.keys() + sizes.values();
    MixerCheck check =
        new MixerCheck(checkpoint, prefix)
            .divides("linear_num_value_heads", sizes.valueHeads(), "key heads", sizes.keyHeads())
            .shape("conv1d.weight", convolved, 1, sizes.kernel())
            .shape("dt_bias", sizes.valueHeads())
            .shape("A_log", sizes.valueHeads())
            .shape("norm.weight", sizes.valueSize())
            .shape("out_proj.weight", sizes.hidden(), sizes.values());
    if (isGrouped(checkpoint, prefix)) {
      check
          .shape("in_proj_qkvz.weight", convolved + sizes.values(), sizes.hidden())
          .shape("in_proj_ba.weight", 2 * sizes.valueHeads(), sizes.hidden());
    } else {
      check
          .shape("in_proj_qkv.weight", convolved, sizes.hidden())
          .shape("in_proj_z.weight", sizes.values(), sizes.hidden())
          .shape("in_proj_b.weight", sizes.valueHeads(), sizes.hidden())
          .shape("in_proj_a.weight", sizes.valueHeads(), sizes.hidden());
    }
    check.throwIfAny();
  }

  private static boolean isGrouped(Checkpoint checkpoint, String prefix) {
    return checkpoint.find(prefix + "in_proj_qkvz.weight").isPresent();
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.linear_attn.}
   */
  public static GatedDeltaNet load(Weights weights, String prefix, ModelConfig config) {
    check(weights.checkpoint(), prefix, config);
    GatedDeltaSizes sizes = GatedDeltaSizes.of(config);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    GatedDeltaInput input =
        isGrouped(weights.checkpoint(), prefix)
            ? new GatedDeltaInput.Grouped(
                sizes, tensors.linear("in_proj_qkvz"), tensors.linear("in_proj_ba"))
            : new GatedDeltaInput.Split(
                tensors.linear("in_proj_qkv"),
                tensors.linear("in_proj_z"),
                tensors.linear("in_proj_b"),
                tensors.linear("in_proj_a"));
    return new GatedDeltaNet(
        sizes,
        input,
        tensors.convolution("conv1d"),
        tensors.wide("dt_bias"),
        tensors.rates("A_log"),
        tensors.gatedNorm("norm", sizes.epsilon()),
        tensors.linear("out_proj"));
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Dtype wide = rates.dtype();
    long batch = hidden.size(0);
    long length = hidden.size(1);
    GatedDeltaInput.Projected projected = input.apply(hidden);
    Tensor convolved = convolution.apply(projected.convolved()).silu();
    Tensor queries = perValueHead(convolved.narrow(-1, 0, sizes.keys()));
    Tensor keys = perValueHead(convolved.narrow(-1, sizes.keys(), sizes.keys()));
    long[] heads = {batch, length, sizes.valueHeads(), sizes.valueSize()};
    Tensor values = convolved.narrow(-1, 2 * sizes.keys(), sizes.values()).reshape(heads);
    Tensor strengths = projected.strength().to(wide).sigmoid().unsqueeze(-1);
    Tensor decays = projected.decay().to(wide).add(decayBias).softplus().mul(rates).unsqueeze(-1);

    Tensor mixed = DeltaRule.apply(queries, keys, values, decays, strengths);
    Tensor gate = projected.gate().to(wide).silu();
    Tensor gated = norm.apply(mixed).reshape(gate.shape()).mul(gate);
    return output.apply(gated.to(hidden.dtype()));
  }

  /** [B, T, keys] to [B, T, value heads, key size]: each key head once for each of its values. */
  private Tensor perValueHead(Tensor joined) {
    long batch = joined.size(0);
    long length = joined.size(1);
    Tensor shared = joined.reshape(batch, length, sizes.keyHeads(), 1, sizes.keySize());
    return shared
        .expand(batch, length, sizes.keyHeads(), sizes.perKey(), sizes.keySize())
        .reshape(batch, length, sizes.valueHeads(), sizes.keySize());
  }
}
