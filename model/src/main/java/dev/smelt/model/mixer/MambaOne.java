package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.RmsNorm;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * Mamba with the inner norms of Jamba.
 *
 * @param input [2 * channels, hidden]: rows of the scan's input, then of its gate
 * @param convolution over all channels
 * @param selection [rank + 2 n, channels]: rows of the time step, of B, of C
 * @param norms of the time step, of B and of C
 * @param timeStep [channels, rank], with a bias
 * @param rates A: [channels, n], negative
 * @param skip D: [channels]
 * @param output [hidden, channels]
 */
public record MambaOne(
    Linear input,
    CausalConvolution convolution,
    Linear selection,
    Norms norms,
    Linear timeStep,
    Tensor rates,
    Tensor skip,
    Linear output)
    implements Mixer {

  /**
   * The inner norms.
   *
   * @param timeStep [rank]
   * @param into of B, [n]
   * @param outOf of C, [n]
   */
  public record Norms(RmsNorm timeStep, RmsNorm into, RmsNorm outOf) {}

  /**
   * Refuses activations but SiLU, and tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.mamba.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    MixerCheck.silu(config, "hidden_act");
    long hidden = config.integer("hidden_size");
    long channels = config.integer("mamba_expand", 2) * hidden;
    long n = config.integer("mamba_d_state", 16);
    long rank = rank(checkpoint, prefix);
    new MixerCheck(checkpoint, prefix)
        .shape("in_proj.weight", 2 * channels, hidden)
        .shape("conv1d.weight", channels, 1, config.integer("mamba_d_conv", 4))
        .shape("x_proj.weight", rank + 2 * n, channels)
        .shape("dt_layernorm.weight", rank)
        .shape("b_layernorm.weight", n)
        .shape("c_layernorm.weight", n)
        .shape("dt_proj.weight", channels, rank)
        .shape("dt_proj.bias", channels)
        .shape("A_log", channels, n)
        .shape("D", channels)
        .shape("out_proj.weight", hidden, channels)
        .throwIfAny();
  }

  /** The rank is what the tensor says: config.json may leave it open as "auto". */
  private static long rank(Checkpoint checkpoint, String prefix) {
    return checkpoint
        .find(prefix + "dt_layernorm.weight")
        .map(StoredTensor::shape)
        .filter(shape -> shape.size() == 1)
        .map(shape -> shape.get(0))
        .orElse(0L);
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.mamba.}
   */
  public static MambaOne load(Weights weights, String prefix, ModelConfig config) {
    check(weights.checkpoint(), prefix, config);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    double epsilon = config.number("rms_norm_eps", 1e-6);
    return new MambaOne(
        tensors.linear("in_proj"),
        tensors.convolution("conv1d"),
        tensors.linear("x_proj"),
        new Norms(
            tensors.norm("dt_layernorm", epsilon),
            tensors.norm("b_layernorm", epsilon),
            tensors.norm("c_layernorm", epsilon)),
        tensors.linear("dt_proj"),
        tensors.rates("A_log"),
        tensors.wide("D"),
        tensors.linear("out_proj"));
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Dtype compute = hidden.dtype();
    Dtype wide = rates.dtype();
    long channels = rates.size(0);
    long n = rates.size(1);
    long rank = norms.timeStep().weight().size(0);

    Tensor projected = input.apply(hidden);
    Tensor x = convolution.apply(projected.narrow(-1, 0, channels)).silu();
    Tensor selected = selection.apply(x.to(compute));
    Tensor step = norms.timeStep().apply(selected.narrow(-1, 0, rank));
    Tensor into = norms.into().apply(selected.narrow(-1, rank, n)).to(wide);
    Tensor outOf = norms.outOf().apply(selected.narrow(-1, rank + n, n)).to(wide);
    Tensor dt = timeStep.apply(step).to(wide).softplus();

    Tensor scanned = SelectiveScan.apply(x, dt, rates, into, outOf).addProduct(x, skip);
    Tensor gate = projected.narrow(-1, channels, channels).to(wide).silu();
    return output.apply(scanned.mul(gate).to(compute));
  }
}
