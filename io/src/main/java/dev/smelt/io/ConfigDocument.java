package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A config.json: parsed for reading, edited as text.
 *
 * <p>An edit replaces the characters of one value, or adds one field, and leaves everything else as
 * it is byte for byte: order, indentation, unknown fields and the spelling of numbers. Documents
 * are immutable; every edit gives a new one.
 *
 * <p>Fields are named by dotted paths such as {@code text_config.num_experts}; a number selects an
 * element of an array. Names that contain a dot themselves cannot be addressed.
 */
public final class ConfigDocument {
  private final String text;
  private final Path origin;
  private final JsonNode root;

  private ConfigDocument(String text, Path origin, JsonNode root) {
    this.text = text;
    this.origin = origin;
    this.root = root;
  }

  /**
   * Parses a document.
   *
   * @param text the JSON text; its top must be an object
   * @param origin where the text is from, for messages
   * @throws SmeltException {@link Fault#CHECKPOINT} if it is not valid JSON or not an object
   */
  public static ConfigDocument parse(String text, Path origin) {
    try {
      JsonNode root = JsonTree.parse(text);
      if (!root.isObject()) {
        throw SmeltException.checkpoint(
            origin + ": not one JSON object", "Repair or replace the file.");
      }
      return new ConfigDocument(text, origin, root);
    } catch (JacksonException e) {
      throw SmeltException.checkpoint(
          origin + ": not valid JSON: " + JsonText.reason(e), "Repair or replace the file.");
    }
  }

  /** Reads and parses a file. */
  static ConfigDocument read(Path file) {
    try {
      return parse(Files.readString(file), file);
    } catch (IOException e) {
      throw Failures.reading(file, e);
    }
  }

  /** The parsed document; callers must not modify it. */
  public JsonNode root() {
    return root;
  }

  /** The text of the document. */
  public String text() {
    return text;
  }

  /** Sets a field to a whole number; see {@link #with(String, String)}. */
  public ConfigDocument with(String dottedPath, long value) {
    return with(dottedPath, Long.toString(value));
  }

  /**
   * Sets a field, or adds it at the end of its object.
   *
   * @param dottedPath the field; objects on the way that are missing are added
   * @param jsonLiteral the new value as JSON text, such as {@code 8}, {@code "bf16"} or {@code []}
   */
  public ConfigDocument with(String dottedPath, String jsonLiteral) {
    return parse(ConfigEdit.set(text, dottedPath, jsonLiteral, origin), origin);
  }

  /** Removes a field and its comma; a field that is absent is no error. */
  public ConfigDocument without(String dottedPath) {
    return has(dottedPath) ? parse(ConfigEdit.remove(text, dottedPath), origin) : this;
  }

  /** Whether the field is present, be it null. */
  public boolean has(String dottedPath) {
    return !node(dottedPath).isMissingNode();
  }

  /**
   * A whole number; empty if the field is absent or null.
   *
   * @throws SmeltException {@link Fault#CHECKPOINT} if it is anything else
   */
  public Optional<Long> integer(String dottedPath) {
    return value(
        dottedPath,
        "a whole number",
        node -> node.isIntegralNumber() && node.canConvertToLong(),
        JsonNode::longValue);
  }

  /** A number, whole or not; otherwise as {@link #integer}. */
  public Optional<Double> number(String dottedPath) {
    return value(dottedPath, "a number", JsonNode::isNumber, node -> node.asDouble());
  }

  /** A truth value; otherwise as {@link #integer}. */
  public Optional<Boolean> bool(String dottedPath) {
    return value(dottedPath, "true or false", JsonNode::isBoolean, JsonNode::booleanValue);
  }

  /** A string; otherwise as {@link #integer}. */
  public Optional<String> string(String dottedPath) {
    return value(dottedPath, "a string", JsonNode::isString, JsonNode::stringValue);
  }

  private <T> Optional<T> value(
      String dottedPath, String expected, Predicate<JsonNode> test, Function<JsonNode, T> get) {
    JsonNode node = node(dottedPath);
    if (node.isMissingNode() || node.isNull()) {
      return Optional.empty();
    }
    if (!test.test(node)) {
      throw SmeltException.checkpoint(
          origin + ": field " + dottedPath + ": expected " + expected + ", found " + node,
          "Correct the field in " + origin.getFileName() + ".");
    }
    return Optional.of(get.apply(node));
  }

  private JsonNode node(String dottedPath) {
    JsonNode node = root;
    for (String step : dottedPath.split("\\.", -1)) {
      boolean index =
          node.isArray() && !step.isEmpty() && step.chars().allMatch(Character::isDigit);
      node = index ? node.path(Integer.parseInt(step)) : node.path(step);
    }
    return node;
  }

  /** Equal if the texts are equal. */
  @Override
  public boolean equals(Object other) {
    return other instanceof ConfigDocument document && text.equals(document.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
