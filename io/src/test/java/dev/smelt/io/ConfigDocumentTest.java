package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class ConfigDocumentTest {
  private static final Path FILE = Path.of("config.json");
  private static final String TEXT =
      """
      {
        "architectures": ["MixtralForCausalLM"],
        "rope_theta": 1e+06,   "eps": 1.00e-05,
        "text_config": {
          "num_experts" : 8,
          "name": "é\\u00e9 \\"x\\"",
          "limit": [0.0, Infinity],
          "empty": {}
        },
        "num_local_experts":8,
        "dotted.name": {"x": 1},
        "nothing": null
      }
      """;

  private static ConfigDocument document(String text) {
    return ConfigDocument.parse(text, FILE);
  }

  @Test
  void readsTypedFields() {
    ConfigDocument config = document(TEXT);
    assertThat(config.integer("text_config.num_experts")).hasValue(8L);
    assertThat(config.integer("missing.too")).isEmpty();
    assertThat(config.integer("nothing")).isEmpty();
    assertThat(config.has("nothing")).isTrue();
    assertThat(config.has("text_config.nothing")).isFalse();
    assertThat(config.number("rope_theta")).hasValue(1e6);
    assertThat(config.number("num_local_experts")).hasValue(8.0);
    assertThat(config.number("text_config.limit.1")).hasValue(Double.POSITIVE_INFINITY);
    assertThat(config.string("architectures.0")).hasValue("MixtralForCausalLM");
    assertThat(document("{\"b\": true}").bool("b")).hasValue(true);
  }

  @Test
  void namesAFieldOfTheWrongType() {
    ConfigDocument config = document("{\"k\": \"8\", \"n\": {\"f\": 2.5}, \"b\": 1}");
    assertThatThrownBy(() -> config.integer("k"))
        .hasMessage("config.json: field k: expected a whole number, found \"8\"");
    assertThatThrownBy(() -> config.integer("n.f")).hasMessageContaining("n.f: expected a whole");
    assertThatThrownBy(() -> config.bool("b")).hasMessageContaining("true or false, found 1");
    assertThatThrownBy(() -> config.string("n")).hasMessageContaining("a string, found {");
    assertThatThrownBy(() -> config.number("n")).hasMessageContaining("a number");
  }

  @Test
  void replacesOnlyTheValue() {
    assertThat(document(TEXT).with("text_config.num_experts", 4).text())
        .isEqualTo(TEXT.replace("\"num_experts\" : 8", "\"num_experts\" : 4"));
    assertThat(document(TEXT).with("num_local_experts", 16).text())
        .isEqualTo(TEXT.replace("_experts\":8", "_experts\":16"));
    assertThat(document(TEXT).with("text_config.name", "\"n\"").text())
        .isEqualTo(TEXT.replace("\"é\\u00e9 \\\"x\\\"\"", "\"n\""));
    assertThat(document(TEXT).with("text_config.limit", "[1,\n2]").text())
        .isEqualTo(TEXT.replace("[0.0, Infinity]", "[1,\n2]"));
    assertThat(document(TEXT).with("text_config.limit.1", 7).text())
        .isEqualTo(TEXT.replace("Infinity", "7"));
    assertThat(document(TEXT).with("text_config.empty", 1).text())
        .isEqualTo(TEXT.replace("{}", "1"));
    assertThat(document(TEXT).with("nothing", "true").text())
        .isEqualTo(TEXT.replace("null", "true"));
    assertThat(document(TEXT).with("eps", "1.0").text()).isEqualTo(TEXT.replace("1.00e-05", "1.0"));
  }

  @Test
  void addsMissingFieldsAtTheEndOfTheirObject() {
    assertThat(document(TEXT).with("new", 1).text())
        .isEqualTo(TEXT.replace("null", "null,\n  \"new\": 1"));
    assertThat(document(TEXT).with("text_config.new", "\"x\"").text())
        .isEqualTo(TEXT.replace("{}", "{},\n    \"new\": \"x\""));
    assertThat(document(TEXT).with("text_config.empty.a", 1).text())
        .isEqualTo(TEXT.replace("{}", "{\"a\": 1}"));
    assertThat(document("{\"a\":1}").with("b.c", 2).text())
        .isEqualTo("{\"a\":1, \"b\": {\"c\": 2}}");
    assertThat(document("{ }").with("b", 2).text()).isEqualTo("{\"b\": 2}");
    assertThat(document("{\r\n\t\"a\": 1\r\n}").with("b", 2).text())
        .isEqualTo("{\r\n\t\"a\": 1,\r\n\t\"b\": 2\r\n}");
  }

  @Test
  void removesAFieldWithItsComma() {
    assertThat(document(TEXT).without("nothing").text())
        .isEqualTo(TEXT.replace(",\n  \"nothing\": null", ""));
    assertThat(document(TEXT).without("architectures").text())
        .isEqualTo(TEXT.replace("\"architectures\": [\"MixtralForCausalLM\"],\n  ", ""));
    assertThat(document(TEXT).without("text_config.limit").text())
        .isEqualTo(TEXT.replace(",\n    \"limit\": [0.0, Infinity]", ""));
    assertThat(document("{\"a\": {\"b\": 1}}").without("a.b").text()).isEqualTo("{\"a\": {}}");
    assertThat(document("[1, 2]".replace("[1, 2]", "{\"a\": [1, 2]}")).without("a.0").text())
        .isEqualTo("{\"a\": [2]}");
    assertThat(document(TEXT).without("absent").text()).isEqualTo(TEXT);
  }

  @Test
  void neverTakesADottedNameForAPath() {
    String text = "{\"a.b\": 1, \"a\": {\"b\": 2}}";
    assertThat(document(text).with("a.b", 3).text()).isEqualTo("{\"a.b\": 1, \"a\": {\"b\": 3}}");
    assertThat(document(text).without("a.b").text()).isEqualTo("{\"a.b\": 1, \"a\": {}}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          [1]              | not one JSON object
          {"a": 1          | not valid JSON
          {"a": 1} x       | not valid JSON
          {"a": 1, "a": 2} | Duplicate
          {a: 1}           | (line 1, column 2)
          ``               | config.json
          """)
  void refusesWhatIsNoConfiguration(String text, String message) {
    assertThatThrownBy(() -> document(text))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(message);
  }

  @Test
  void refusesEditsThatMakeNoSense() {
    assertThatThrownBy(() -> document(TEXT).with("a", "1 2")).hasMessageContaining("'1 2'");
    assertThatThrownBy(() -> document(TEXT).with("a", "")).hasMessageContaining("one JSON value");
    assertThatThrownBy(() -> document(TEXT).with("a", "{")).hasMessageContaining("one JSON value");
    assertThatThrownBy(() -> document(TEXT).with("eps.x", 1))
        .hasMessageContaining("eps is not an object");
  }

  /** Random documents in random layouts: an edit through the text equals an edit of the tree. */
  @Test
  void editsAgreeWithATree() {
    for (long seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      List<String> paths = new ArrayList<>();
      ConfigDocument before = document(randomObject(random, "", paths, 0));
      String path = paths.isEmpty() ? "new" : paths.get(random.nextInt(paths.size()));
      ObjectNode expected = (ObjectNode) before.root().deepCopy();
      int dot = path.lastIndexOf('.');
      String pointer = dot < 0 ? "" : "/" + path.substring(0, dot).replace('.', '/');
      ObjectNode parent = (ObjectNode) expected.at(pointer);
      parent.set(path.substring(dot + 1), JsonNodeFactory.instance.numberNode(-5));
      ConfigDocument after = before.with(path, -5);
      assertThat(after.root()).as("seed %d: %s", seed, path).isEqualTo(expected);
      parent.remove(path.substring(dot + 1));
      assertThat(after.without(path).root()).as("seed %d: %s", seed, path).isEqualTo(expected);
    }
  }

  private static String randomObject(Random random, String prefix, List<String> paths, int depth) {
    StringBuilder text = new StringBuilder("{").append(space(random));
    int fields = random.nextInt(5);
    for (int i = 0; i < fields; i++) {
      String name = "f" + i;
      paths.add(prefix + name);
      text.append(i == 0 ? "" : space(random) + "," + space(random));
      text.append('"').append(name).append('"').append(space(random)).append(':');
      text.append(space(random)).append(randomValue(random, prefix + name, paths, depth));
    }
    return text.append(space(random)).append('}').toString();
  }

  private static String randomValue(Random random, String path, List<String> paths, int depth) {
    return switch (random.nextInt(depth > 3 ? 5 : 6)) {
      case 0 -> Integer.toString(random.nextInt());
      case 1 -> "\"a\\\"b\\\\,}é🙂\"";
      case 2 -> "[1, {\"x\": [ ]} ,\"]\"]";
      case 3 -> "-1.5E+3";
      case 4 -> "null";
      default -> randomObject(random, path + ".", paths, depth + 1);
    };
  }

  private static String space(Random random) {
    return List.of("", " ", "\n  ", "\r\n\t").get(random.nextInt(4));
  }
}
