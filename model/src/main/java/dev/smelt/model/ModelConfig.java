package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/** config.json as the forward pass reads it: fields with defaults, in both spellings of the Hub. */
public final class ModelConfig {
  private final ConfigDocument document;
  private final Path origin;

  /** Reads from a parsed document; {@code origin} is the file that messages name. */
  public ModelConfig(ConfigDocument document, Path origin) {
    this.document = document;
    this.origin = origin;
  }

  /** The document itself. */
  public ConfigDocument document() {
    return document;
  }

  /** A whole number that must be there. */
  public int integer(String field) {
    long value =
        document
            .integer(field)
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
    return document.integer(field).map(value -> integer(field)).orElse(byDefault);
  }

  /** A number with a default. */
  public double number(String field, double byDefault) {
    return document.number(field).orElse(byDefault);
  }

  /** A number that may be absent or null. */
  public Optional<Double> number(String field) {
    return document.number(field);
  }

  /** A flag with a default. */
  public boolean flag(String field, boolean byDefault) {
    return document.bool(field).orElse(byDefault);
  }

  /** A string with a default. */
  public String text(String field, String byDefault) {
    return document.string(field).orElse(byDefault);
  }

  /** A whole number greater than zero; empty if the field is absent, null or zero. */
  public OptionalLong positive(String field) {
    return document
        .integer(field)
        .filter(value -> value > 0)
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /** The entry of {@code layer_types} for a layer. */
  public Optional<String> layerType(int layer) {
    JsonNode entry = document.root().path("layer_types").path(layer);
    return entry.isString() ? Optional.of(entry.stringValue()) : Optional.empty();
  }

  /** The prefix of the rotary parameters: {@code rope_parameters.}, or the older spelling. */
  public String rope() {
    return document.has("rope_parameters") ? "rope_parameters." : "rope_scaling.";
  }

  /** The file that was read. */
  public Path origin() {
    return origin;
  }
}
