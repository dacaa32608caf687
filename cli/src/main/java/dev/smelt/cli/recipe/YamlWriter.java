package dev.smelt.cli.recipe;

import dev.smelt.cli.console.Json;
import dev.smelt.cli.recipe.Node.Fields;
import dev.smelt.cli.recipe.Node.Items;
import dev.smelt.cli.recipe.Node.Scalar;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Writes nodes as YAML, always in the same form. */
final class YamlWriter {
  /** Text that reads back as the same text without quotes. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z/][A-Za-z0-9_./ -]*[A-Za-z0-9_/]");

  private static final Set<String> WORDS =
      Set.of("true", "false", "yes", "no", "on", "off", "null", "True", "False", "Null");

  private final StringBuilder text = new StringBuilder();

  private YamlWriter() {}

  static String write(Fields fields) {
    YamlWriter writer = new YamlWriter();
    writer.fields(fields, "", "");
    return writer.text.toString();
  }

  private void fields(Fields fields, String first, String indent) {
    String start = first;
    for (Map.Entry<String, Node> field : fields.fields().entrySet()) {
      text.append(start).append(quoted(field.getKey())).append(':');
      value(field.getValue(), indent + "  ");
      start = indent;
    }
  }

  private void value(Node node, String indent) {
    switch (node) {
      case Scalar scalar -> text.append(' ').append(scalar(scalar)).append('\n');
      case Items items when items.items().isEmpty() -> text.append(" []\n");
      case Fields fields when fields.fields().isEmpty() -> text.append(" {}\n");
      case Items items -> items(items, indent);
      case Fields fields -> {
        text.append('\n');
        fields(fields, indent, indent);
      }
    }
  }

  private void items(Items items, String indent) {
    text.append('\n');
    for (Node item : items.items()) {
      String start = indent + "- ";
      switch (item) {
        case Fields fields when !fields.fields().isEmpty() -> fields(fields, start, indent + "  ");
        default -> {
          text.append(indent).append('-');
          value(item, indent + "  ");
        }
      }
    }
  }

  private static String scalar(Scalar scalar) {
    return scalar.isString() ? quoted(scalar.text()) : scalar.text();
  }

  private static String quoted(String text) {
    return PLAIN.matcher(text).matches() && !WORDS.contains(text) ? text : Json.text(text);
  }
}
