package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A checkpoint, its config.json and its family, and where the language model's tensors are.
 *
 * @param checkpoint the tensors
 * @param config config.json
 * @param family what smelt was told
 * @param base prefix of all tensors of the decoder
 */
record ModelSource(Checkpoint checkpoint, ModelConfig config, Family family, String base) {
  private static final List<String> WRAPPERS =
      List.of("model.language_model.", "language_model.model.", "language_model.");

  static ModelSource of(Checkpoint checkpoint, ModelConfig config, Family family) {
    String embedding = family.embedding + ".weight";
    String base =
        checkpoint.find(family.base + embedding).isPresent()
            ? family.base
            : WRAPPERS.stream()
                .filter(prefix -> checkpoint.find(prefix + embedding).isPresent())
                .findFirst()
                .orElse(family.base);
    return new ModelSource(checkpoint, config, family, base);
  }

  /** The model type that config.json gives to the language model. */
  static String modelType(ModelConfig config) {
    return config
        .document()
        .string(config.path("model_type"))
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    config.origin() + ": field 'model_type' is missing",
                    "config.json and the weights must come from the same checkpoint"));
  }

  private boolean isEncoderDecoder() {
    return family.form == Family.Form.ENCODER_DECODER;
  }

  /** Layers of an encoder, which come before those of the decoder; 0 without one. */
  int encoderLayers() {
    return isEncoderDecoder() ? config.integer("num_layers") : 0;
  }

  String layer(int index) {
    if (isEncoderDecoder()) {
      int first = encoderLayers();
      return index < first
          ? "encoder.block." + index + "."
          : "decoder.block." + (index - first) + ".";
    }
    return base + family.layers + index + ".";
  }

  String block(int layer) {
    if (isEncoderDecoder()) {
      return layer(layer)
          + (layer < encoderLayers() ? "layer.1." : "layer.2.")
          + family.experts.block;
    }
    return layer(layer) + family.experts.block;
  }

  String embedding() {
    return base + family.embedding + ".weight";
  }

  String finalNorm() {
    return base + family.finalNorm;
  }

  String head() {
    return base.startsWith("language_model.") ? "language_model.lm_head" : "lm_head";
  }

  /** Whether a tensor belongs to the decoder or its output head. */
  boolean isDecoder(String name) {
    return name.startsWith(base) || name.startsWith(head());
  }

  /** Whether a tensor belongs to layers that predict further tokens and do not run otherwise. */
  boolean isPrediction(String name) {
    if (name.startsWith("mtp.") || name.startsWith("model.mtp.")) {
      return true;
    }
    String prefix = base + family.layers;
    if (isEncoderDecoder() || !name.startsWith(prefix)) {
      return false;
    }
    int end = name.indexOf('.', prefix.length());
    String number = name.substring(prefix.length(), Math.max(prefix.length(), end));
    return number.chars().allMatch(Character::isDigit)
        && !number.isEmpty()
        && Integer.parseInt(number) >= layers();
  }

  /** Prefixes of the blocks with a router in layers that predict further tokens, sorted. */
  List<String> predictionBlocks() {
    String end = family.experts.block + family.router.name;
    return checkpoint.tensors().keySet().stream()
        .filter(name -> isPrediction(name) && name.endsWith("." + end))
        .map(name -> name.substring(0, name.length() - family.router.name.length()))
        .sorted(Comparator.comparingInt(String::length).thenComparing(name -> name))
        .toList();
  }

  /** Whether the output of a layer's experts passes a norm before it is added. */
  boolean hasNormAfterExperts(int layer) {
    return family.afterExperts.filter(name -> has(layer(layer) + name + ".weight")).isPresent();
  }

  Optional<StoredTensor> find(String name) {
    return checkpoint.find(name);
  }

  boolean has(String name) {
    return find(name).isPresent();
  }

  int layers() {
    if (isEncoderDecoder()) {
      return encoderLayers() + config.integer("num_decoder_layers", encoderLayers());
    }
    String field = family.layerCountField;
    if (!config.has(field) && config.at("layers_block_type").isArray()) {
      return config.at("layers_block_type").size();
    }
    return config.integer(field);
  }

  int hidden() {
    return config.integer(family.hiddenField);
  }

  double normEpsilon() {
    return config.number(family.normEpsilonField, family.normEpsilon);
  }

  /** Reads a norm of the family's kind: NAME.weight and perhaps NAME.bias. */
  Norm norm(Weights weights, String name) {
    double epsilon = normEpsilon();
    return switch (family.normKind) {
      case RMS -> new RmsNorm(weights.load(name + ".weight"), epsilon);
      case RMS_PLUS_ONE ->
          new RmsNorm(weights.loadWide(checkpoint.require(name + ".weight")).add(1), epsilon);
      case LAYER ->
          new LayerNorm(weights.load(name + ".weight"), weights.find(name + ".bias"), epsilon);
    };
  }

  /** Reads a root-mean-square norm of the family, whatever the kind of its layer norms. */
  Norm headNorm(Weights weights, String name) {
    return family.normKind == Family.NormKind.LAYER
        ? new RmsNorm(weights.load(name + ".weight"), normEpsilon())
        : norm(weights, name);
  }

  /** The activation of the networks. */
  ExpertForm expertForm() {
    ExpertRule rule = family.experts;
    Activation activation =
        rule.activationFixed || !config.has(rule.activationField)
            ? rule.activation
            : Activation.named(
                config.text(rule.activationField, ""),
                config.origin() + ": " + rule.activationField);
    return new ExpertForm(activation, rule.gated);
  }

  /** Reads a network with a tensor for each matrix. */
  Expert network(Weights weights, String prefix, ExpertRule.Names names) {
    ExpertForm form = expertForm();
    if (form.activation() == Activation.CLAMPED_SWISH) {
      form = ExpertForm.SWIGLU;
    }
    var up = weights.load(prefix + names.up() + ".weight");
    return new Expert(
        form.gated() ? weights.load(prefix + names.gate() + ".weight") : up,
        up,
        weights.load(prefix + names.down() + ".weight"),
        form,
        Optional.empty());
  }
}
