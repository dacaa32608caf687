package dev.smelt.model;

import dev.smelt.model.mixer.Mixer;
import java.util.Optional;

/** Everything that config.json says of a layer's mixer, checked; its weights are still to come. */
@FunctionalInterface
interface MixerPlan {
  /** Reads the weights into the open scope. */
  Mixer load(Weights weights);

  /**
   * Decides what mixes the tokens of a layer.
   *
   * @param prefix prefix of the layer's tensors
   */
  static MixerPlan of(ModelSource source, String prefix, int layer) {
    AttentionRule rule = source.family().attention;
    Optional<MixerKind> recurrent = rule.mixer.of(source.config(), layer);
    if (recurrent.isPresent()) {
      return RecurrentMixers.plan(recurrent.get(), source, prefix, layer);
    }
    return rule.latent
        ? LatentAttentionReader.plan(source, prefix + rule.prefix, layer)
        : GroupedAttentionReader.plan(source, prefix + rule.prefix, layer);
  }
}
