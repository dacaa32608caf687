package dev.smelt.model.text;

import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** stub */
public final class ChatTemplate {
  static ChatTemplate require(Path directory) {
    return new ChatTemplate();
  }

  /** stub */
  public String render(JsonNode messages, JsonNode tools) {
    return messages.toString() + tools;
  }
}
