package dev.smelt.model;

import dev.smelt.model.attention.OutputGate;
import dev.smelt.model.attention.PositionScale;
import dev.smelt.model.attention.Rope;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The part of a family's description that is about attention; see {@link Family}. */
final class AttentionRule {
  /** Every token sees all before it. */
  static final LayerRule<OptionalLong> UNLIMITED = (config, layer) -> OptionalLong.empty();

  private static final LayerRule<Optional<PositionScale>> NO_POSITION_SCALE =
      (config, layer) -> Optional.empty();

  String prefix = "self_attn.";
  boolean latent;
  double latentEpsilon = 1e-6;
  boolean latentScaled;
  String query = "q_proj";
  String key = "k_proj";
  String value = "v_proj";
  String output = "o_proj";
  Optional<String> fused = Optional.empty();
  boolean gateInQuery;
  String queryNorm = "q_norm";
  String keyNorm = "k_norm";
  boolean normsAfterRope;
  LayerRule<Boolean> unitNormsAfterRope = (config, layer) -> false;
  int headDim;
  boolean headDimByNorm;
  String clipField = "clip_qkv";
  boolean valueNorm;
  Optional<String> valueScaleField = Optional.empty();
  double ropeTheta = 10_000;
  double ropePartial = 1;
  LayerRule<Optional<Rope.Style>> rope = (config, layer) -> Optional.of(Rope.Style.HALF);
  LayerRule<Optional<PositionScale>> positionScale = NO_POSITION_SCALE;
  LayerRule<OptionalLong> window = UNLIMITED;
  LayerRule<OptionalLong> chunk = UNLIMITED;
  Optional<String> scaleField = Optional.empty();
  Optional<Double> scale = Optional.empty();
  Optional<String> sinks = Optional.empty();
  Optional<String> gateName = Optional.empty();
  OutputGate.Kind gateKind = OutputGate.Kind.SIGMOID;
  LayerRule<Optional<MixerKind>> mixer = (config, layer) -> Optional.empty();
  List<MixerKind> mixers = List.of();
  Optional<String> indexLimitField = Optional.empty();

  /** Latent keys and values, as in DeepSeek-V2. */
  AttentionRule latent() {
    latent = true;
    rope =
        (config, layer) ->
            Optional.of(
                config.flag("rope_interleave", true) ? Rope.Style.INTERLEAVED : Rope.Style.HALF);
    return this;
  }

  AttentionRule latentEpsilon(double epsilon) {
    latentEpsilon = epsilon;
    return this;
  }

  /** Queries and latent vectors grow with the square root of H over their rank. */
  AttentionRule latentScaled() {
    latentScaled = true;
    return this;
  }

  AttentionRule prefix(String name) {
    prefix = name;
    return this;
  }

  AttentionRule output(String name) {
    output = name;
    return this;
  }

  /** Queries, keys and values in one matrix. */
  AttentionRule fused(String name) {
    fused = Optional.of(name);
    return this;
  }

  /** Each query head is followed by its part of an output gate. */
  AttentionRule gateInQuery() {
    gateInQuery = true;
    return this;
  }

  AttentionRule norms(String queryName, String keyName) {
    queryNorm = queryName;
    keyNorm = keyName;
    return this;
  }

  AttentionRule normsAfterRope() {
    normsAfterRope = true;
    return this;
  }

  AttentionRule unitNormsAfterRope(LayerRule<Boolean> rule) {
    unitNormsAfterRope = rule;
    return this;
  }

  /** Head size where config.json is silent; otherwise it is hidden size over heads. */
  AttentionRule headDim(int size) {
    headDim = size;
    return this;
  }

  /** The head size of a layer is the length of its query norm. */
  AttentionRule headDimByNorm() {
    headDimByNorm = true;
    return this;
  }

  AttentionRule clip(String field) {
    clipField = field;
    return this;
  }

  AttentionRule valueNorm() {
    valueNorm = true;
    return this;
  }

  AttentionRule valueScale(String field) {
    valueScaleField = Optional.of(field);
    return this;
  }

  AttentionRule ropeTheta(double theta) {
    ropeTheta = theta;
    return this;
  }

  AttentionRule ropePartial(double share) {
    ropePartial = share;
    return this;
  }

  AttentionRule rope(LayerRule<Optional<Rope.Style>> rule) {
    rope = rule;
    return this;
  }

  AttentionRule positionScale(LayerRule<Optional<PositionScale>> rule) {
    positionScale = rule;
    return this;
  }

  AttentionRule window(LayerRule<OptionalLong> rule) {
    window = rule;
    return this;
  }

  AttentionRule chunk(LayerRule<OptionalLong> rule) {
    chunk = rule;
    return this;
  }

  AttentionRule scaleField(String field) {
    scaleField = Optional.of(field);
    return this;
  }

  AttentionRule scale(double factor) {
    scale = Optional.of(factor);
    return this;
  }

  AttentionRule sinks(String name) {
    sinks = Optional.of(name);
    return this;
  }

  AttentionRule gate(String name, OutputGate.Kind kind) {
    gateName = Optional.of(name);
    gateKind = kind;
    return this;
  }

  /** Some layers have a recurrent mixer instead of attention. */
  AttentionRule mixer(MixerKind kind, LayerRule<Boolean> where) {
    mixers = List.of(kind);
    mixer = (config, layer) -> where.of(config, layer) ? Optional.of(kind) : Optional.empty();
    return this;
  }

  /** Up to so many tokens, sparse attention is the same as full attention. */
  AttentionRule fullUpTo(String field) {
    indexLimitField = Optional.of(field);
    return this;
  }
}
