package dev.smelt.model;

import dev.smelt.model.attention.Attention;
import dev.smelt.model.attention.HeadNorms;
import dev.smelt.model.attention.OutputGate;
import dev.smelt.model.attention.PositionScale;
import dev.smelt.model.attention.Rope;
import dev.smelt.model.attention.RopeReader;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/** Reads attention with grouped heads: what config.json says first, the weights later. */
final class GroupedAttentionReader {
  private final ModelSource source;
  private final AttentionRule rule;
  private final String prefix;
  private final int headDim;
  private final AttentionCores core;
  private final Optional<Rope> rope;
  private final Optional<PositionScale> positionScale;
  private final boolean unitNorms;
  private final Optional<Double> clip;
  private final double valueScale;

  private GroupedAttentionReader(ModelSource source, String prefix, int layer) {
    this.source = source;
    this.prefix = prefix;
    rule = source.family().attention;
    ModelConfig config = source.config();
    headDim = headDim();
    core = AttentionCores.of(source, prefix, layer, 1 / Math.sqrt(headDim));
    RopeReader reader = new RopeReader(config, layer, rule.ropeTheta, rule.ropePartial);
    rope = rule.rope.of(config, layer).map(style -> reader.read(style, headDim));
    positionScale = rule.positionScale.of(config, layer);
    unitNorms = rule.unitNormsAfterRope.of(config, layer);
    clip = config.number(rule.clipField);
    valueScale = rule.valueScaleField.flatMap(config::number).orElse(1.0);
  }

  static MixerPlan plan(ModelSource source, String prefix, int layer) {
    return new GroupedAttentionReader(source, prefix, layer)::load;
  }

  private int headDim() {
    var norm = source.find(prefix + rule.queryNorm + ".weight");
    if (rule.headDimByNorm && norm.isPresent()) {
      return (int) norm.get().dim(0);
    }
    int byHeads = source.hidden() / Math.max(1, heads());
    return source.config().integer("head_dim", rule.headDim > 0 ? rule.headDim : byHeads);
  }

  private int heads() {
    ModelConfig config = source.config();
    return config.has("num_attention_heads")
        ? config.integer("num_attention_heads")
        : config.integer("n_heads");
  }

  private Attention load(Weights weights) {
    Projections all = projections(weights);
    return new Attention(
        all.query(),
        all.key(),
        all.value(),
        Linear.load(weights, prefix + rule.output),
        headDim,
        norms(weights),
        clip,
        rule.valueNorm ? Optional.of(new UnitNorm(source.normEpsilon())) : Optional.empty(),
        valueScale,
        rope,
        positionScale,
        core.load(weights),
        all.gate()
            .or(() -> rule.gateName.map(name -> Linear.load(weights, prefix + name)))
            .map(gate -> new OutputGate(gate, rule.gateKind)));
  }

  private record Projections(Linear query, Linear key, Linear value, Optional<Linear> gate) {}

  private Projections projections(Weights weights) {
    if (rule.fused.isPresent()) {
      return split(Linear.load(weights, prefix + rule.fused.get()));
    }
    Linear query = Linear.load(weights, prefix + rule.query);
    Linear key = Linear.load(weights, prefix + rule.key);
    Linear value =
        source.has(prefix + rule.value + ".weight")
            ? Linear.load(weights, prefix + rule.value)
            : key;
    return rule.gateInQuery
        ? new Projections(half(query, 0), key, value, Optional.of(half(query, 1)))
        : new Projections(query, key, value, Optional.empty());
  }

  /** Rows of queries, then of keys, then of as many values. */
  private Projections split(Linear fused) {
    long rows = fused.weight().size(0);
    long own = (long) heads() * headDim;
    long other = (rows - own) / 2;
    return new Projections(
        fused.rows(0, own),
        fused.rows(own, other),
        fused.rows(own + other, other),
        Optional.empty());
  }

  /** The queries (0) or gates (1) of a projection in which they take turns by head. */
  private Linear half(Linear both, int which) {
    Tensor weight = both.weight();
    Tensor rows =
        weight.reshape(-1, 2, headDim, weight.size(1)).select(1, which).reshape(-1, weight.size(1));
    return new Linear(
        rows, both.bias().map(b -> b.reshape(-1, 2, headDim).select(1, which).reshape(-1)));
  }

  private Optional<HeadNorms> norms(Weights weights) {
    if (unitNorms) {
      Norm unit = new UnitNorm(source.normEpsilon());
      return Optional.of(new HeadNorms(unit, unit, HeadNorms.Place.ROTATED));
    }
    var stored = source.find(prefix + rule.queryNorm + ".weight");
    return stored.map(
        weight ->
            new HeadNorms(
                source.headNorm(weights, prefix + rule.queryNorm),
                source.headNorm(weights, prefix + rule.keyNorm),
                place(weight.dim(0))));
  }

  private HeadNorms.Place place(long length) {
    if (rule.normsAfterRope) {
      return HeadNorms.Place.ROTATED;
    }
    return length == headDim ? HeadNorms.Place.HEAD : HeadNorms.Place.WHOLE;
  }
}
