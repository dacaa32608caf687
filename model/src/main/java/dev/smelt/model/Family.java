package dev.smelt.model;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * What smelt must be told about a family of checkpoints; everything that tensors show by their
 * presence and shape (biases, query and key norms, shared experts, tied head, which layers have
 * experts) is not part of it.
 *
 * <p>The methods without public access describe a family in {@link Families}; each replaces a
 * default. Nobody calls them after that.
 */
public final class Family {
  /**
   * Config fields that may hold the number of routed experts; all that are present are kept true.
   */
  public static final List<String> EXPERT_COUNT_FIELDS =
      List.of(
          "num_local_experts",
          "num_experts",
          "n_routed_experts",
          "moe_num_experts",
          "ffn_config.moe_num_experts");

  /** The order of a layer's parts. */
  enum Form {
    /** Attention, then experts, each in a residual branch. */
    BRANCHES,
    /** Both side by side. */
    PARALLEL,
    /** Two attentions, experts beside the second. */
    SHORTCUT,
    /** One part per layer. */
    SINGLE,
    /** Gemma 4. */
    GEMMA,
    /** The layers of an encoder, then those of a decoder (T5). */
    ENCODER_DECODER
  }

  /** The kind of the norms. */
  enum NormKind {
    /** Root mean square, times a weight. */
    RMS,
    /** Root mean square, times one plus a weight. */
    RMS_PLUS_ONE,
    /** Mean and variance. */
    LAYER
  }

  private final String modelType;
  final AttentionRule attention = new AttentionRule();
  final RouterRule router = new RouterRule();
  final ExpertRule experts = new ExpertRule();

  Form form = Form.BRANCHES;
  String base = "model.";
  String layers = "layers.";
  String embedding = "embed_tokens";
  String finalNorm = "norm";
  String layerCountField = "num_hidden_layers";
  String hiddenField = "hidden_size";
  NormKind normKind = NormKind.RMS;
  String normEpsilonField = "rms_norm_eps";
  double normEpsilon = 1e-6;
  Optional<String> beforeMixer = Optional.of("input_layernorm");
  Optional<String> afterMixer = Optional.empty();
  Optional<String> beforeExperts = Optional.of("post_attention_layernorm");
  Optional<String> afterExperts = Optional.empty();
  boolean residualAfterNorm;
  LayerRule<double[]> mixerFactors = (config, layer) -> new double[] {1, 1};
  LayerRule<double[]> expertFactors = (config, layer) -> new double[] {1, 1};
  ToDoubleFunction<ModelConfig> embeddingScale = config -> 1;
  ToDoubleFunction<ModelConfig> logitScale = config -> 1;
  Optional<String> softcapField = Optional.empty();

  private Family(String modelType) {
    this.modelType = modelType;
  }

  /** Starts a description with the defaults that most families share. */
  static Family named(String modelType) {
    return new Family(modelType);
  }

  /** {@code model_type} in config.json. */
  public String modelType() {
    return modelType;
  }

  /** What the family has beyond a plain decoder with a softmax router, in a few words each. */
  public List<String> features() {
    return FamilyFeatures.of(this);
  }

  Family form(Form value) {
    form = value;
    return this;
  }

  Family names(String baseName, String layersName, String embeddingName, String finalNormName) {
    base = baseName;
    layers = layersName;
    embedding = embeddingName;
    finalNorm = finalNormName;
    return this;
  }

  Family finalNorm(String name) {
    finalNorm = name;
    return this;
  }

  Family norms(NormKind kind, String epsilonField, double epsilon) {
    normKind = kind;
    normEpsilonField = epsilonField;
    normEpsilon = epsilon;
    return this;
  }

  Family normEpsilon(double epsilon) {
    normEpsilon = epsilon;
    return this;
  }

  /** Norms before the mixer and before the experts. */
  Family before(String mixer, String expertsName) {
    beforeMixer = Optional.of(mixer);
    beforeExperts = Optional.of(expertsName);
    return this;
  }

  /** Norms after the mixer and after the experts. */
  Family after(String mixer, String expertsName) {
    afterMixer = Optional.of(mixer);
    afterExperts = Optional.of(expertsName);
    return this;
  }

  Family afterExperts(String name) {
    afterExperts = Optional.of(name);
    return this;
  }

  Family noNormsBefore() {
    beforeMixer = Optional.empty();
    beforeExperts = Optional.empty();
    return this;
  }

  Family residualAfterNorm(LayerRule<double[]> mixer, LayerRule<double[]> expertsRule) {
    residualAfterNorm = true;
    mixerFactors = mixer;
    expertFactors = expertsRule;
    return this;
  }

  Family residualFactor(String field) {
    LayerRule<double[]> rule =
        (config, layer) -> new double[] {1, config.number(field).orElse(1.0)};
    mixerFactors = rule;
    expertFactors = rule;
    return this;
  }

  Family embeddingScale(ToDoubleFunction<ModelConfig> scale) {
    embeddingScale = scale;
    return this;
  }

  Family logitScale(ToDoubleFunction<ModelConfig> scale) {
    logitScale = scale;
    return this;
  }

  Family softcap(String field) {
    softcapField = Optional.of(field);
    return this;
  }

  Family sizes(String layerCount, String hidden) {
    layerCountField = layerCount;
    hiddenField = hidden;
    return this;
  }

  Family attention(Consumer<AttentionRule> description) {
    description.accept(attention);
    return this;
  }

  Family router(Consumer<RouterRule> description) {
    description.accept(router);
    return this;
  }

  Family experts(Consumer<ExpertRule> description) {
    description.accept(experts);
    return this;
  }
}
