package dev.smelt.cli.recipe;

import dev.smelt.cli.recipe.Node.Fields;
import dev.smelt.cli.recipe.Node.Items;
import dev.smelt.cli.recipe.Node.Scalar;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.yaml.YAMLFactory;

/** Reads YAML into nodes that know their line. */
final class YamlReader {
  private final String origin;
  private final JsonParser parser;

  private YamlReader(String origin, JsonParser parser) {
    this.origin = origin;
    this.parser = parser;
  }

  /**
   * Parses a document whose top is a mapping.
   *
   * @param text the YAML text
   * @param origin the file name, for messages
   */
  static Fields read(String text, String origin) {
    try (JsonParser parser = new YAMLFactory().createParser(ObjectReadContext.empty(), text)) {
      YamlReader reader = new YamlReader(origin, parser);
      if (parser.nextToken() == JsonToken.START_OBJECT
          && reader.node(reader.line()) instanceof Fields fields) {
        return fields;
      }
      throw SmeltException.usage(
          origin + ": a recipe must be a mapping such as `model: DIRECTORY`", "");
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
      throw SmeltException.usage(
          origin + " line " + line + ": not valid YAML: " + firstLine(e.getOriginalMessage()),
          "Values that contain a colon, a brace or a leading special character need quotes.");
    }
  }

  /** The single value that a text on the command line means. */
  static Scalar scalar(String text) {
    try (JsonParser parser = new YAMLFactory().createParser(ObjectReadContext.empty(), text)) {
      JsonToken token = parser.nextToken();
      boolean isPlain = token != null && (token.isNumeric() || token.isBoolean());
      return new Scalar(Node.COMMAND_LINE, text, !isPlain);
    } catch (JacksonException e) {
      return new Scalar(Node.COMMAND_LINE, text, true);
    }
  }

  private int line() {
    return parser.currentTokenLocation().getLineNr();
  }

  private Node node(int line) {
    return switch (parser.currentToken()) {
      case START_OBJECT -> fields(line);
      case START_ARRAY -> items(line);
      case VALUE_NULL -> new Scalar(line, "", true);
      case VALUE_STRING -> new Scalar(line, parser.getString(), true);
      default -> new Scalar(line, parser.getString(), false);
    };
  }

  private Fields fields(int line) {
    SequencedMap<String, Node> fields = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = parser.currentName();
      int keyLine = line();
      parser.nextToken();
      Node value = node(keyLine);
      if (fields.putIfAbsent(name, value) != null) {
        throw SmeltException.usage(
            origin + " line " + keyLine + ": `" + name + "` is given twice", "Remove one of them.");
      }
    }
    return new Fields(line, fields);
  }

  private Items items(int line) {
    List<Node> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(node(line()));
    }
    return new Items(line, items);
  }

  private static String firstLine(String message) {
    return String.valueOf(message).lines().findFirst().orElse("");
  }
}
