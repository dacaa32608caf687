package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * Mamba-2, as in granitemoehybrid and nemotron_h.
 *
 * @param sizes numbers of heads, groups and channels
 * @param input [channels + convolved channels + heads, hidden]: rows of the gate, of what is
 *     convolved, of the time step
 * @param convolution over the channels and B and C
 * @param stepBias added to the time step, [heads]
 * @param rates A: [heads], negative
 * @param skip D: [heads]
 * @param norm over gated channels
 * @param output [hidden, channels]
 */
public record MambaTwo(
    MambaTwoSizes sizes,
    Linear input,
    CausalConvolution convolution,
    Tensor stepBias,
    Tensor rates,
    Tensor skip,
    GatedNorm norm,
    Linear output)
    implements Mixer {

  /**
   * Refuses activations but SiLU, and tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors: {@code model.layers.0.mamba.}, {@code
   *     backbone.layers.0.mixer.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    MambaTwoSizes.of(config).check(checkpoint, prefix);
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors: {@code model.layers.0.mamba.}, {@code
   *     backbone.layers.0.mixer.}
   */
  public static MambaTwo load(Weights weights, String prefix, ModelConfig config) {
    MambaTwoSizes sizes = MambaTwoSizes.of(config);
    sizes.check(weights.checkpoint(), prefix);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    return new MambaTwo(
        sizes,
        tensors.linear("in_proj"),
        tensors.convolution("conv1d"),
        tensors.wide("dt_bias"),
        tensors.rates("A_log"),
        tensors.wide("D"),
        tensors.gatedNorm("norm", sizes.epsilon()),
        tensors.linear("out_proj"));
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Dtype wide = rates.dtype();
    long channels = sizes.channels();
    Tensor projected = input.apply(hidden);
    Tensor gate = projected.narrow(-1, 0, channels).to(wide).silu();
    Tensor convolved = convolution.apply(projected.narrow(-1, channels, sizes.convolved())).silu();
    Tensor step = projected.narrow(-1, channels + sizes.convolved(), sizes.heads()).to(wide);
    Tensor dt = step.add(stepBias).softplus().clamp(sizes.shortestStep(), sizes.longestStep());

    Tensor x = split(convolved.narrow(-1, 0, channels), sizes.heads());
    long shared = sizes.groups() * sizes.states();
    Tensor into = split(convolved.narrow(-1, channels, shared), sizes.groups());
    Tensor outOf = split(convolved.narrow(-1, channels + shared, shared), sizes.groups());
    Tensor scanned = DecayScan.apply(outOf, into, x.mul(dt.unsqueeze(-1)), dt.mul(rates));
    Tensor mixed = scanned.addProduct(x, skip.unsqueeze(-1)).reshape(gate.shape());
    return output.apply(norm.apply(mixed.mul(gate), sizes.normGroups()).to(hidden.dtype()));
  }

  /** [B, T, parts * c] to [B, T, parts, c]. */
  private static Tensor split(Tensor joined, long parts) {
    return joined.reshape(joined.size(0), joined.size(1), parts, joined.size(2) / parts);
  }
}
