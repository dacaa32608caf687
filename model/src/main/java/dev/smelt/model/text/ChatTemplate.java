package dev.smelt.model.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The chat template of a checkpoint, which turns messages into text as transformers does: the same
 * whitespace rules (trim_blocks and lstrip_blocks), the same extra functions ({@code
 * raise_exception}, {@code strftime_now}, {@code tojson}), the special tokens as variables, no
 * generation prompt.
 *
 * <p>What the template language here does not do as Python does is refused with a message, never
 * rendered differently: see {@link JinjaSource} and {@link JinjaEnvironment}.
 */
public final class ChatTemplate {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final String HINT =
      "render the messages with transformers' apply_chat_template, and give them as lines"
          + " {\"text\": \"...\"}";

  private final TemplateFiles files;
  private final Jinjava jinja;
  private final Map<String, String> compiled = new LinkedHashMap<>();

  private ChatTemplate(TemplateFiles files, Clock clock) {
    this.files = files;
    this.jinja = JinjaEnvironment.create(clock);
  }

  /**
   * Reads the template of a model: chat_template.jinja, else {@code chat_template} in
   * tokenizer_config.json, which is one template or a list of named ones.
   *
   * @return empty if the model has no template
   * @throws SmeltException if a file is broken
   */
  public static Optional<ChatTemplate> find(Path modelDirectory) {
    return find(modelDirectory, Clock.system(ZoneId.systemDefault()));
  }

  /** As {@link #find(Path)}, with the time that {@code strftime_now} tells. */
  public static Optional<ChatTemplate> find(Path modelDirectory, Clock clock) {
    return TemplateFiles.find(modelDirectory).map(files -> new ChatTemplate(files, clock));
  }

  /**
   * The template of a model that must have one.
   *
   * @throws SmeltException if there is none
   */
  static ChatTemplate require(Path modelDirectory) {
    return find(modelDirectory)
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    modelDirectory
                        + ": messages need a chat template, but there is no chat_template.jinja"
                        + " and no chat_template in tokenizer_config.json",
                    HINT));
  }

  /**
   * The text of a conversation, special tokens written out.
   *
   * @param messages a non-empty array of objects with {@code role} and {@code content} or {@code
   *     tool_calls}
   * @param tools an array of tool descriptions; anything else means none
   * @throws SmeltException if the template refuses the messages, or cannot be rendered faithfully
   */
  public String render(JsonNode messages, JsonNode tools) {
    check(messages);
    Map<String, Object> variables = new LinkedHashMap<>(files.specialTokens());
    variables.put("messages", MAPPER.convertValue(messages, List.class));
    variables.put("add_generation_prompt", false);
    variables.put("strftime_now", "function"); // so that it counts as defined
    if (tools.isArray()) {
      variables.put("tools", MAPPER.convertValue(tools, List.class));
    }
    String name = tools.isArray() ? "tool_use" : "default";
    return render(files.template(name), variables);
  }

  private String render(String template, Map<String, Object> variables) {
    String source = compiled.computeIfAbsent(template, this::compile);
    RenderResult result = jinja.renderForResult(source, variables);
    if (!result.getErrors().isEmpty()) {
      throw failure(result.getErrors().getFirst());
    }
    return result.getOutput();
  }

  private String compile(String template) {
    try {
      return JinjaSource.prepare(template, jinja);
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      throw unsupported(e.getMessage());
    }
  }

  private SmeltException failure(TemplateError error) {
    for (Throwable t = error.getException(); t != null; t = t.getCause()) {
      if (t instanceof JinjaEnvironment.RaisedException) {
        return SmeltException.checkpoint(
            files.origin() + ": the chat template refuses the messages: " + t.getMessage(),
            "change the messages, or leave this conversation out");
      }
    }
    return unsupported("line " + error.getLineno() + ": " + error.getMessage());
  }

  private SmeltException unsupported(String problem) {
    return SmeltException.unsupported(
        files.origin() + ": chat template cannot be rendered faithfully: " + problem, HINT);
  }

  private static void check(JsonNode messages) {
    for (int i = 0; i < messages.size(); i++) {
      JsonNode message = messages.get(i);
      if (!message.path("role").isString()) {
        throw SmeltException.checkpoint(
            "message " + i + ": no field role with a string", "give every message a role");
      }
      if (!message.hasNonNull("content") && !message.hasNonNull("tool_calls")) {
        throw SmeltException.checkpoint(
            "message " + i + ": neither content nor tool_calls", "give every message its content");
      }
    }
  }
}
