package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.model.mixer.GatedDeltaNet;
import dev.smelt.model.mixer.KimiDeltaAttention;
import dev.smelt.model.mixer.LightningAttention;
import dev.smelt.model.mixer.MambaOne;
import dev.smelt.model.mixer.MambaTwo;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.mixer.ShortConvolution;

/** Finds the recurrent mixer of a layer: the name of its part, its check and its reader. */
final class RecurrentMixers {
  /** Refuses what config.json or the tensors say. */
  @FunctionalInterface
  private interface Check {
    void run(Checkpoint checkpoint, String prefix, ModelConfig config);
  }

  /** Reads the weights. */
  @FunctionalInterface
  private interface Load {
    Mixer run(Weights weights, String prefix, ModelConfig config);
  }

  private final ModelSource source;
  private final String layer;

  private RecurrentMixers(ModelSource source, String layer) {
    this.source = source;
    this.layer = layer;
  }

  /**
   * Checks the mixer of a layer.
   *
   * @param prefix prefix of the layer's tensors
   */
  static MixerPlan plan(MixerKind kind, ModelSource source, String prefix, int layer) {
    RecurrentMixers at = new RecurrentMixers(source, prefix);
    return switch (kind) {
      case GATED_DELTA -> at.plan("linear_attn.", GatedDeltaNet::check, GatedDeltaNet::load);
      case KIMI_DELTA -> at.plan("self_attn.", KimiDeltaAttention::check, KimiDeltaAttention::load);
      case MAMBA -> at.plan("mamba.", MambaOne::check, MambaOne::load);
      case MAMBA2 -> at.plan(at.mambaName(), MambaTwo::check, MambaTwo::load);
      case SHORT_CONVOLUTION -> at.plan("conv.", ShortConvolution::check, ShortConvolution::load);
      case LIGHTNING ->
          at.plan(
              "self_attn.",
              LightningAttention::check,
              (weights, name, config) -> LightningAttention.load(weights, name, config, layer));
    };
  }

  private String mambaName() {
    return source.family().form == Family.Form.SINGLE ? source.family().experts.block : "mamba.";
  }

  private MixerPlan plan(String name, Check check, Load load) {
    String prefix = layer + name;
    check.run(source.checkpoint(), prefix, source.config());
    return weights -> load.run(weights, prefix, source.config());
  }
}
