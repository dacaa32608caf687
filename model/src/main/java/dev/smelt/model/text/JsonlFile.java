package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One JSON object per line. {@code text} is taken as it is; {@code messages} (with {@code tools},
 * if there are any) go through the model's chat template. Other fields are ignored, and so are
 * blank lines.
 */
final class JsonlFile {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final String SHAPE =
      "each line is {\"text\": \"...\"} or {\"messages\": [{\"role\": ..., \"content\": ...}]}";

  private final Path file;
  private final ModelText model;
  private final List<Document> documents = new ArrayList<>();
  private long lineStart;

  JsonlFile(Path file, ModelText model) {
    this.file = file;
    this.model = model;
  }

  List<Document> documents() {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      int number = 1;
      long offset = 0;
      for (int b = in.read(); b >= 0; b = in.read()) {
        offset++;
        if (b == '\n') {
          read(line, number++);
          lineStart = offset;
        } else {
          append(line, b, number);
        }
      }
      read(line, number);
      return List.copyOf(documents);
    } catch (IOException e) {
      throw Utf8.unreadable(file, e);
    }
  }

  private void append(ByteArrayOutputStream line, int b, int number) {
    if (line.size() >= Utf8.LIMIT) {
      throw SmeltException.unsupported(
          where(number) + ": more than " + Utf8.LIMIT + " bytes in one document",
          "split it into several lines");
    }
    line.write(b);
  }

  private void read(ByteArrayOutputStream bytes, int number) {
    String line = Utf8.decode(bytes.toByteArray(), file, lineStart);
    bytes.reset();
    if (number == 1 && line.startsWith("\uFEFF")) {
      line = line.substring(1);
    }
    if (!line.isBlank()) {
      String text = text(parse(line, number), where(number));
      documents.add(new Document(where(number), model.encode(text, where(number)), false));
    }
  }

  private JsonNode parse(String line, int number) {
    try {
      return MAPPER.readTree(line);
    } catch (JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT, where(number) + ": not JSON: " + e.getOriginalMessage(), SHAPE, e);
    }
  }

  private String text(JsonNode line, String where) {
    if (!line.isObject()) {
      throw SmeltException.checkpoint(
          where + ": expected a JSON object, found " + name(line), SHAPE);
    }
    if (line.has("text")) {
      JsonNode text = line.get("text");
      if (!text.isString()) {
        throw SmeltException.checkpoint(
            where + ": field text: expected a string, found " + name(text), SHAPE);
      }
      return text.asString();
    }
    if (!line.has("messages")) {
      throw SmeltException.checkpoint(where + ": neither a field text nor a field messages", SHAPE);
    }
    return chat(line, where);
  }

  private String chat(JsonNode line, String where) {
    JsonNode messages = line.get("messages");
    boolean objects = messages.isArray() && messages.valueStream().allMatch(JsonNode::isObject);
    if (!objects || messages.isEmpty()) {
      throw SmeltException.checkpoint(
          where + ": field messages: expected a non-empty list of objects", SHAPE);
    }
    try {
      return model.chatTemplate().render(messages, line.path("tools"));
    } catch (SmeltException e) {
      throw ModelText.at(where, e);
    }
  }

  private static String name(JsonNode node) {
    return "a value of type " + node.getNodeType().name().toLowerCase(Locale.ROOT);
  }

  private String where(int line) {
    return file + ":" + line;
  }
}
