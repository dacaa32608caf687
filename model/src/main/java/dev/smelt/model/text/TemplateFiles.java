package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The chat templates that a checkpoint stores, and its special tokens.
 *
 * @param origin the file of the templates, for messages
 * @param templates by name; a single template is called default
 * @param specialTokens such as {@code bos_token}, by the name that templates use
 */
record TemplateFiles(
    Path origin, SequencedMap<String, String> templates, Map<String, String> specialTokens) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final String DEFAULT = "default";
  private static final String FIELD = "chat_template";

  /** Looks for templates in a model directory. */
  static Optional<TemplateFiles> find(Path directory) {
    Path configFile = directory.resolve("tokenizer_config.json");
    JsonNode config = read(configFile);
    Map<String, String> tokens = specialTokens(read(directory.resolve("special_tokens_map.json")));
    tokens.putAll(specialTokens(config));
    SequencedMap<String, String> templates = new LinkedHashMap<>();
    Path jinja = directory.resolve("chat_template.jinja");
    if (Files.isRegularFile(jinja)) {
      templates.put(DEFAULT, Utf8.read(jinja));
      return Optional.of(new TemplateFiles(jinja, templates, tokens));
    }
    addFromConfig(configFile, config.path(FIELD), templates);
    return templates.isEmpty()
        ? Optional.empty()
        : Optional.of(new TemplateFiles(configFile, templates, tokens));
  }

  /** The template of this name, or the default one. */
  String template(String name) {
    String template = templates.getOrDefault(name, templates.getOrDefault(DEFAULT, ""));
    if (template.isEmpty()) {
      throw SmeltException.checkpoint(
          origin + ": no default chat template among " + templates.keySet(),
          "name one of the templates default");
    }
    return template;
  }

  private static void addFromConfig(
      Path file, JsonNode field, SequencedMap<String, String> templates) {
    if (field.isString()) {
      templates.put(DEFAULT, field.asString());
    } else if (field.isArray()) {
      for (JsonNode named : field) {
        if (!named.path("name").isString() || !named.path("template").isString()) {
          throw broken(file, "each entry needs the strings name and template");
        }
        templates.put(named.get("name").asString(), named.get("template").asString());
      }
    } else if (!field.isMissingNode() && !field.isNull()) {
      throw broken(file, "expected a string or a list");
    }
  }

  private static SmeltException broken(Path file, String problem) {
    return SmeltException.checkpoint(
        file + ": field " + FIELD + ": " + problem,
        "copy tokenizer_config.json from the original checkpoint again");
  }

  private static Map<String, String> specialTokens(JsonNode config) {
    Map<String, String> tokens = new LinkedHashMap<>();
    config
        .properties()
        .forEach(
            field -> {
              JsonNode value =
                  field.getValue().isObject() ? field.getValue().path("content") : field.getValue();
              if (field.getKey().endsWith("_token") && value.isString()) {
                tokens.put(field.getKey(), value.asString());
              }
            });
    return tokens;
  }

  private static JsonNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      return MAPPER.createObjectNode();
    }
    try {
      return MAPPER.readTree(Utf8.read(file));
    } catch (JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file + ": not JSON: " + e.getOriginalMessage(),
          "copy the file from the original checkpoint again",
          e);
    }
  }
}
