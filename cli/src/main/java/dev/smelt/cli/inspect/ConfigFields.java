package dev.smelt.cli.inspect;

import dev.smelt.io.ConfigDocument;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/** Fields of config.json under the names that different families give them. */
final class ConfigFields {
  private static final List<String> SECTIONS =
      List.of("text_config", "language_config", "llm_config", "ffn_config");

  private final JsonNode root;

  ConfigFields(ConfigDocument config) {
    this.root = config.root();
  }

  /** The first of these that is a whole number, or a list that begins with one. */
  OptionalLong integer(String... names) {
    for (String name : names) {
      JsonNode node = find(name);
      JsonNode value = node.isArray() ? node.path(0) : node;
      if (value.isIntegralNumber()) {
        return OptionalLong.of(value.longValue());
      }
    }
    return OptionalLong.empty();
  }

  /** A string, if it is there. */
  Optional<String> string(String name) {
    JsonNode node = find(name);
    return node.isString() ? Optional.of(node.stringValue()) : Optional.empty();
  }

  /** The first entry of a list of strings, if it is there. */
  Optional<String> firstString(String name) {
    JsonNode node = find(name).path(0);
    return node.isString() ? Optional.of(node.stringValue()) : Optional.empty();
  }

  /** A field of the document itself or, if it is not there, of the part for the language model. */
  private JsonNode find(String name) {
    JsonNode node = root.path(name);
    for (String section : SECTIONS) {
      if (node.isMissingNode() || node.isNull()) {
        node = root.path(section).path(name);
      }
    }
    return node;
  }
}
