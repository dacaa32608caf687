package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/** config.json as the forward pass reads it: fields with defaults, in both spellings of the Hub. */
public final class ModelConfig {
  private static final String TEXT = "text_config";
  private static final String FULL = "full_attention";
  private static final String SLIDING = "sliding_attention";

  private final ConfigDocument document;
  private final Path origin;
  private final String scope;

  /**
   * Reads from a parsed document; {@code origin} is the file that messages name. The fields of a
   * language model inside a larger one are those of its {@code text_config}.
   */
  public ModelConfig(ConfigDocument document, Path origin) {
    this.document = document;
    this.origin = origin;
    scope = document.root().path(TEXT).isObject() ? TEXT + "." : "";
  }

  /** The document itself. */
  public ConfigDocument document() {
    return document;
  }

  /** Another document from the same file. */
  public ModelConfig with(ConfigDocument other) {
    return new ModelConfig(other, origin);
  }

  /** A whole number that must be there. */
  public int integer(String field) {
    long value =
        document
            .integer(path(field))
            .orElseThrow(
                () ->
                    SmeltException.checkpoint(
                        origin + ": field '" + field + "' is missing",
                        "config.json must be the one that was saved with the weights"));
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw SmeltException.checkpoint(
          origin + ": field '" + field + "' is " + value + ", expected a count", "");
    }
    return (int) value;
  }

  /** A whole number with a default. */
  public int integer(String field, int byDefault) {
    return document.integer(path(field)).map(value -> integer(field)).orElse(byDefault);
  }

  /**
   * The entry of a list that has one for each layer.
   *
   * @throws SmeltException (unsupported) if they differ
   */
  int uniform(String field) {
    int first = integer(field + ".0");
    for (int i = 1; i < at(field).size(); i++) {
      if (integer(field + "." + i) != first) {
        throw SmeltException.unsupported(
            origin + ": field '" + field + "' differs between layers: " + at(field),
            "smelt reads models with the same number in every layer");
      }
    }
    return first;
  }

  /** A number with a default. */
  public double number(String field, double byDefault) {
    return document.number(path(field)).orElse(byDefault);
  }

  /** A number that may be absent or null. */
  public Optional<Double> number(String field) {
    return document.number(path(field));
  }

  /** A flag with a default. */
  public boolean flag(String field, boolean byDefault) {
    return document.bool(path(field)).orElse(byDefault);
  }

  /** A string with a default. */
  public String text(String field, String byDefault) {
    return document.string(path(field)).orElse(byDefault);
  }

  /** A whole number greater than zero; empty if the field is absent, null or zero. */
  public OptionalLong positive(String field) {
    return document
        .integer(path(field))
        .filter(value -> value > 0)
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /** Whether a field is present and not null. */
  public boolean has(String field) {
    return !at(field).isMissingNode() && !at(field).isNull();
  }

  /** The value of a field as it is; callers must not modify it. */
  public JsonNode at(String field) {
    JsonNode node = document.root();
    for (String step : path(field).split("\\.", -1)) {
      boolean index = node.isArray() && step.chars().allMatch(Character::isDigit);
      node = index ? node.path(Integer.parseInt(step)) : node.path(step);
    }
    return node;
  }

  /**
   * The dotted path of a field in the document: in the part of the language model if it is there or
   * nowhere.
   */
  public String path(String field) {
    return document.has(scope + field) || !document.has(field) ? scope + field : field;
  }

  /**
   * The kind of a layer's attention: the entry of {@code layer_types}, or what older fields say of
   * full and sliding attention.
   */
  public Optional<String> layerType(int layer) {
    JsonNode entry = at("layer_types").path(layer);
    if (entry.isString()) {
      return Optional.of(entry.stringValue());
    }
    JsonNode hybrid = at("hybrid_layer_pattern").path(layer);
    if (hybrid.isIntegralNumber()) {
      return Optional.of(hybrid.intValue() == 0 ? FULL : SLIDING);
    }
    return positive("sliding_window_pattern", "global_attn_every_n_layers")
        .map(period -> (layer + 1) % period == 0 ? FULL : SLIDING);
  }

  /** Whether a layer's attention has a sliding window by its kind. */
  boolean slides(int layer) {
    return layerType(layer).filter(SLIDING::equals).isPresent();
  }

  private Optional<Long> positive(String... fields) {
    return Arrays.stream(fields)
        .filter(field -> at(field).isIntegralNumber())
        .map(field -> positive(field))
        .filter(OptionalLong::isPresent)
        .map(OptionalLong::getAsLong)
        .findFirst();
  }

  /** The prefix of the rotary parameters: {@code rope_parameters.}, or the older spelling. */
  public String rope() {
    return has("rope_parameters") ? "rope_parameters." : "rope_scaling.";
  }

  /** The file that was read. */
  public Path origin() {
    return origin;
  }
}
