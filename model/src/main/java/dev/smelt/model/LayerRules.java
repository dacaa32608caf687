package dev.smelt.model;

import dev.smelt.model.attention.PositionScale;
import dev.smelt.model.attention.Rope;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Rules that several families share: windows, positions and mixers by layer. */
final class LayerRules {
  private static final String WINDOW = "sliding_window";
  private static final Set<String> RECURRENT = Set.of("linear_attention", "mamba", "conv");

  private LayerRules() {}

  /** The same window on every layer. */
  static OptionalLong windowEverywhere(ModelConfig config, int layer) {
    return config.positive(WINDOW);
  }

  /** A window on the layers of kind {@code sliding_attention}. */
  static OptionalLong windowBySlidingLayers(ModelConfig config, int layer) {
    return config.slides(layer) ? config.positive(WINDOW) : OptionalLong.empty();
  }

  /** A window on every layer, if {@code use_sliding_window} is set. */
  static OptionalLong windowBySwitch(ModelConfig config, int layer) {
    return config.flag("use_sliding_window", false)
        ? config.positive(WINDOW)
        : OptionalLong.empty();
  }

  /** A window on the layers that {@code layer_types} names; by default on every second one. */
  static OptionalLong windowOfQwen2(ModelConfig config, int layer) {
    boolean byDefault = layer % 2 == 0 && layer < config.integer("max_window_layers", 28);
    boolean slides = config.layerType(layer).map("sliding_attention"::equals).orElse(byDefault);
    return slides ? windowBySwitch(config, layer) : OptionalLong.empty();
  }

  /** A window on the layers of kind {@code sliding_attention}; by default on every second one. */
  static OptionalLong windowOfGptOss(ModelConfig config, int layer) {
    boolean slides =
        config.layerType(layer).map("sliding_attention"::equals).orElse(layer % 2 == 0);
    return slides ? OptionalLong.of(config.positive(WINDOW).orElse(128)) : OptionalLong.empty();
  }

  /** A window on the layers of kind {@code sliding_attention}; by default on the upper ones. */
  static OptionalLong windowOfDots(ModelConfig config, int layer) {
    boolean byDefault = layer >= config.integer("max_window_layers", Integer.MAX_VALUE);
    return config.layerType(layer).map("sliding_attention"::equals).orElse(byDefault)
        ? config.positive(WINDOW)
        : OptionalLong.empty();
  }

  /** Rotary positions in neighbouring pairs on every layer. */
  static Optional<Rope.Style> interleaved(ModelConfig config, int layer) {
    return Optional.of(Rope.Style.INTERLEAVED);
  }

  /** No positions at all. */
  static Optional<Rope.Style> none(ModelConfig config, int layer) {
    return Optional.empty();
  }

  /** Rotary positions only where attention slides. */
  static Optional<Rope.Style> halfWhereSliding(ModelConfig config, int layer) {
    return config.slides(layer) ? Optional.of(Rope.Style.HALF) : Optional.empty();
  }

  /** Rotary positions only where attention slides, or everywhere if it slides nowhere. */
  static Optional<Rope.Style> halfWhereSlidingIfAny(ModelConfig config, int layer) {
    return config.positive(WINDOW).isEmpty()
        ? Optional.of(Rope.Style.HALF)
        : halfWhereSliding(config, layer);
  }

  /** Rotary positions in neighbouring pairs, only where attention slides. */
  static Optional<Rope.Style> interleavedWhereSliding(ModelConfig config, int layer) {
    return config.slides(layer) ? Optional.of(Rope.Style.INTERLEAVED) : Optional.empty();
  }

  /** Rotary positions if {@code position_embedding_type} asks for them. */
  static Optional<Rope.Style> halfByType(ModelConfig config, int layer) {
    return config.text("position_embedding_type", "").equals("rope")
        ? Optional.of(Rope.Style.HALF)
        : Optional.empty();
  }

  /** Whether a layer of Llama 4 has rotary positions: all but every fourth by default. */
  static boolean turnsInLlama4(ModelConfig config, int layer) {
    int period = config.integer("no_rope_layer_interval", 4);
    return config.at("no_rope_layers").path(layer).isIntegralNumber()
        ? config.integer("no_rope_layers." + layer) != 0
        : (layer + 1) % period != 0;
  }

  /** Neighbouring pairs on the layers of Llama 4 that have positions. */
  static Optional<Rope.Style> ropeOfLlama4(ModelConfig config, int layer) {
    return turnsInLlama4(config, layer) ? Optional.of(Rope.Style.INTERLEAVED) : Optional.empty();
  }

  /** Chunks on the layers of Llama 4 that have positions. */
  static OptionalLong chunkOfLlama4(ModelConfig config, int layer) {
    return turnsInLlama4(config, layer)
        ? OptionalLong.of(config.integer("attention_chunk_size", 8192))
        : OptionalLong.empty();
  }

  /** Queries that grow with their position, on the layers of Llama 4 without positions. */
  static Optional<PositionScale> positionScaleOfLlama4(ModelConfig config, int layer) {
    return !turnsInLlama4(config, layer) && config.flag("attn_temperature_tuning", true)
        ? Optional.of(
            new PositionScale(
                config.number("attn_scale", 0.1), config.number("floor_scale", 8192), 1))
        : Optional.empty();
  }

  /** Queries that grow with their position, as the rotary parameters say. */
  static Optional<PositionScale> positionScaleByRope(ModelConfig config, int layer) {
    return config
        .number(config.rope() + "llama_4_scaling_beta")
        .map(
            beta ->
                new PositionScale(
                    beta,
                    config.number(config.rope() + "original_max_position_embeddings", 8192),
                    0));
  }

  /** Whether {@code layer_types} names a recurrent mixer. */
  static boolean isRecurrent(ModelConfig config, int layer) {
    return config.layerType(layer).filter(RECURRENT::contains).isPresent();
  }

  /** Whether {@code layers_block_type}, or an older pattern, names a recurrent mixer. */
  static boolean isRecurrentInNemotron(ModelConfig config, int layer) {
    String kinds = config.text("hybrid_override_pattern", "");
    return config.at("layers_block_type").isArray()
        ? RECURRENT.contains(config.text("layers_block_type." + layer, ""))
        : layer < kinds.length() && kinds.charAt(layer) == 'M';
  }

  /** All layers of Jamba but one in each period. */
  static boolean isRecurrentInJamba(ModelConfig config, int layer) {
    int period = config.integer("attn_layer_period", 8);
    return layer % period != config.integer("attn_layer_offset", 4);
  }

  /** Factors on the residual and on the output of the mixer, by its kind. */
  static double[] mixerFactorsOfMinimax(ModelConfig config, int layer) {
    String kind = isRecurrent(config, layer) ? "linear" : "full";
    return new double[] {
      config.number(kind + "_attn_alpha_factor", 1), config.number(kind + "_attn_beta_factor", 1)
    };
  }

  /** Factors on the residual and on the output of the experts. */
  static double[] expertFactorsOfMinimax(ModelConfig config, int layer) {
    return new double[] {config.number("mlp_alpha_factor", 1), config.number("mlp_beta_factor", 1)};
  }
}
