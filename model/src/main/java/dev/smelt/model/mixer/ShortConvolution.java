package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.model.Linear;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;

/**
 * The gated short convolution of LFM2: {@code out(c * convolution(b * x))}, where b, c and x are
 * linear in the input.
 *
 * @param input [3 * hidden, hidden]: rows of b, of c, of x
 * @param convolution over all channels
 * @param output [hidden, hidden]
 */
public record ShortConvolution(Linear input, CausalConvolution convolution, Linear output)
    implements Mixer {

  /**
   * Refuses tensors that config.json contradicts.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.conv.}
   */
  public static void check(Checkpoint checkpoint, String prefix, ModelConfig config) {
    long hidden = config.integer("hidden_size");
    new MixerCheck(checkpoint, prefix)
        .shape("in_proj.weight", 3 * hidden, hidden)
        .shape("conv.weight", hidden, 1, config.integer("conv_L_cache", 3))
        .shape("out_proj.weight", hidden, hidden)
        .throwIfAny();
  }

  /**
   * Loads the mixer of a layer.
   *
   * @param prefix prefix of the mixer's tensors, {@code model.layers.0.conv.}
   */
  public static ShortConvolution load(Weights weights, String prefix, ModelConfig config) {
    check(weights.checkpoint(), prefix, config);
    MixerTensors tensors = new MixerTensors(weights, prefix);
    return new ShortConvolution(
        tensors.linear("in_proj"), tensors.convolution("conv"), tensors.linear("out_proj"));
  }

  @Override
  public Tensor apply(Tensor hidden) {
    Tensor projected = input.apply(hidden);
    long size = hidden.size(-1);
    Tensor b = projected.narrow(-1, 0, size);
    Tensor c = projected.narrow(-1, size, size);
    Tensor x = projected.narrow(-1, 2 * size, size);
    Tensor convolved = convolution.apply(b.mul(x)).to(hidden.dtype());
    return output.apply(c.mul(convolved));
  }
}
