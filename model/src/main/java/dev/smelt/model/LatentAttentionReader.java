package dev.smelt.model;

import dev.smelt.model.attention.LatentAttention;
import dev.smelt.model.attention.LatentAttention.QueryLatent;
import dev.smelt.model.attention.LatentAttention.Sizes;
import dev.smelt.model.attention.LimitedAttention;
import dev.smelt.model.attention.PositionScale;
import dev.smelt.model.attention.Rope;
import dev.smelt.model.attention.RopeReader;
import java.util.Optional;

/** Reads multi-head latent attention: what config.json says first, the weights later. */
final class LatentAttentionReader {
  private final ModelSource source;
  private final AttentionRule rule;
  private final String prefix;
  private final Sizes sizes;
  private final AttentionCores core;
  private final Optional<Rope> rope;
  private final Optional<PositionScale> positionScale;

  private LatentAttentionReader(ModelSource source, String prefix, int layer) {
    this.source = source;
    this.prefix = prefix;
    rule = source.family().attention;
    ModelConfig config = source.config();
    sizes =
        new Sizes(
            config.integer("qk_nope_head_dim"),
            config.integer("qk_rope_head_dim"),
            config.integer("v_head_dim"));
    RopeReader reader = new RopeReader(config, layer, rule.ropeTheta, 1);
    rope = rule.rope.of(config, layer).map(style -> reader.turning(style, sizes.rotary()));
    double scale = reader.latentScale() / Math.sqrt(sizes.plain() + sizes.rotary());
    core = AttentionCores.of(source, prefix, layer, scale);
    positionScale = rule.positionScale.of(config, layer);
  }

  static MixerPlan plan(ModelSource source, String prefix, int layer) {
    LatentAttentionReader reader = new LatentAttentionReader(source, prefix, layer);
    return reader
        .rule
        .indexLimitField
        .flatMap(field -> source.config().number(field))
        .<MixerPlan>map(limit -> reader.limited(limit.longValue()))
        .orElse(reader::load);
  }

  private MixerPlan limited(long limit) {
    return weights -> new LimitedAttention(load(weights), limit);
  }

  private LatentAttention load(Weights weights) {
    Optional<QueryLatent> latent =
        source.has(prefix + "q_a_proj.weight")
            ? Optional.of(
                new QueryLatent(
                    Linear.load(weights, prefix + "q_a_proj"), norm(weights, "q_a_layernorm")))
            : Optional.empty();
    Linear keyValue = Linear.load(weights, prefix + "kv_b_proj");
    return new LatentAttention(
        Linear.load(weights, prefix + (latent.isPresent() ? "q_b_proj" : "q_proj")),
        latent,
        Linear.load(weights, prefix + "kv_a_proj_with_mqa"),
        norm(weights, "kv_a_layernorm"),
        keyValue,
        Linear.load(weights, prefix + rule.output),
        sizes,
        growth(latent.map(q -> q.projection().weight().size(0))),
        growth(Optional.of(keyValue.weight().size(1))),
        rope,
        positionScale,
        core.load(weights));
  }

  /** The norms inside have an epsilon of their own. */
  private Norm norm(Weights weights, String name) {
    return new RmsNorm(weights.load(prefix + name + ".weight"), rule.latentEpsilon);
  }

  private double growth(Optional<Long> rank) {
    return rule.latentScaled && rank.isPresent()
        ? Math.sqrt((double) source.hidden() / rank.get())
        : 1;
  }
}
