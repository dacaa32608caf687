package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Resources;
import dev.smelt.model.Weights;
import java.nio.file.Path;
import java.util.List;

/**
 * A recurrent layer of a tiny checkpoint.
 *
 * @param name directory of the checkpoint
 * @param layer index of the layer
 * @param prefix prefix of the mixer's tensors
 * @param norm name of the norm before the mixer
 * @param loader loads the mixer
 */
record MixerCase(String name, int layer, String prefix, String norm, Loader loader) {
  /** Loads a mixer. */
  @FunctionalInterface
  interface Loader {
    Mixer load(Weights weights, String prefix, ModelConfig config);
  }

  /** All recurrent layers. */
  static List<MixerCase> all() {
    return List.of(
        of("lfm2_moe", 0, "conv.", ShortConvolution::load),
        of("lfm2_moe", 2, "conv.", ShortConvolution::load),
        of("jamba", 0, "mamba.", MambaOne::load),
        of("jamba", 1, "mamba.", MambaOne::load),
        of("jamba", 3, "mamba.", MambaOne::load),
        of("granitemoehybrid", 0, "mamba.", MambaTwo::load),
        of("granitemoehybrid", 2, "mamba.", MambaTwo::load),
        of("nemotron_h", 0, "mixer.", MambaTwo::load),
        of("qwen3_next", 0, "linear_attn.", GatedDeltaNet::load),
        of("qwen3_next", 2, "linear_attn.", GatedDeltaNet::load),
        of("qwen3_5_moe_text", 0, "linear_attn.", GatedDeltaNet::load),
        of("qwen3_5_moe_text", 2, "linear_attn.", GatedDeltaNet::load),
        of("kimi_linear", 0, "self_attn.", KimiDeltaAttention::load),
        of("kimi_linear", 2, "self_attn.", KimiDeltaAttention::load),
        of("minimax", 0, "self_attn.", lightning(0)),
        of("minimax", 2, "self_attn.", lightning(2)));
  }

  private static Loader lightning(int layer) {
    return (weights, prefix, config) -> LightningAttention.load(weights, prefix, config, layer);
  }

  private static MixerCase of(String name, int layer, String mixer, Loader loader) {
    boolean backbone = name.equals("nemotron_h");
    String prefix = (backbone ? "backbone" : "model") + ".layers." + layer + ".";
    String norm =
        switch (name) {
          case "lfm2_moe" -> "operator_norm";
          case "nemotron_h" -> "norm";
          default -> "input_layernorm";
        };
    return new MixerCase(name, layer, prefix + mixer, prefix + norm + ".weight", loader);
  }

  /** Directory of the checkpoint. */
  Path directory() {
    return Resources.path("golden/" + name);
  }

  /** Loads the mixer into the open scope. */
  Mixer load(Checkpoint checkpoint, Dtype dtype) {
    return loader.load(new Weights(checkpoint, dtype), prefix, config(checkpoint));
  }

  /** The checkpoint's config.json. */
  ModelConfig config(Checkpoint checkpoint) {
    return new ModelConfig(checkpoint.config(), directory().resolve("config.json"));
  }

  @Override
  public String toString() {
    return name + " layer " + layer;
  }
}
