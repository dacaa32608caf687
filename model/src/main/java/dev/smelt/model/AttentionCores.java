package dev.smelt.model;

import dev.smelt.model.attention.AttentionCore;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The core of a layer's attention as config.json describes it.
 *
 * @param scale factor on the scores
 * @param window tokens of the window
 * @param chunk tokens of a chunk
 * @param sinks name of the sinks' tensor, if the family has them
 */
record AttentionCores(
    double scale, OptionalLong window, OptionalLong chunk, Optional<String> sinks) {
  /** Reads the description; {@code scale} is the usual factor on scores. */
  static AttentionCores of(ModelSource source, String prefix, int layer, double scale) {
    AttentionRule rule = source.family().attention;
    ModelConfig config = source.config();
    double factor = rule.scaleField.flatMap(config::number).or(() -> rule.scale).orElse(scale);
    return new AttentionCores(
        factor,
        rule.window.of(config, layer),
        rule.chunk.of(config, layer),
        rule.sinks.map(name -> prefix + name).filter(source::has));
  }

  AttentionCore load(Weights weights) {
    Optional<Tensor> scores =
        sinks.map(name -> weights.loadWide(weights.checkpoint().require(name)));
    return new AttentionCore(scale, window, chunk, scores);
  }
}
