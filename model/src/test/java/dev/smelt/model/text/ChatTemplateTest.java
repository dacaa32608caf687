package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatTemplateTest {
  private static final Clock NOON =
      Clock.fixed(Instant.parse("2026-03-05T12:00:00Z"), ZoneOffset.UTC);
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  @TempDir Path temporary;

  static Stream<JsonNode> goldens() {
    return TextResources.json("goldens.json").get("rendered").valueStream();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void rendersAsTransformers(JsonNode golden) throws IOException {
    ChatTemplate template =
        template(TextResources.text("templates/" + golden.get("template").asString()));
    JsonNode conversation =
        TextResources.json("conversations.json").get(golden.get("conversation").asInt());
    if (golden.has("raises")) {
      assertThatThrownBy(() -> render(template, conversation))
          .isInstanceOfSatisfying(
              SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
          .hasMessageContaining(golden.get("raises").asString());
    } else {
      assertThat(render(template, conversation)).isEqualTo(golden.get("text").asString());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      textBlock =
          """
          {% for m in messages %}a{% else %}b{% endfor %} @ else of a for loop
          {{ 'x' | nofilter }} @ filter nofilter
          {{ nofunction() }} @ nofunction
          {{ messages[0].content.zfill(3) }} @ zfill
          {{ messages[0].name or 'nobody' }} @ or that chooses
          {{ messages == messages }} @ truth value
          {% for m in messages if m.role %}{{ loop.index }}{% endfor %} @ loop variable
          {% for m in messages %}{{ loop.previtem }}{% endfor %} @ previtem
          {{ messages[::-1] }} @ line 1
          {% if messages %} @ endif
          {{ 'x' @ not closed
          {% include 'x' %} @ include
          """)
  void refusesWhatItWouldRenderDifferently(String source, String message) throws IOException {
    ChatTemplate template = template(source);
    JsonNode conversation = TextResources.json("conversations.json").get(0);
    assertThatThrownBy(() -> render(template, conversation))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNSUPPORTED))
        .hasMessageContaining(message);
  }

  @Test
  void readsNamedTemplatesAndTokensOfTheConfig() throws IOException {
    Files.writeString(
        temporary.resolve("tokenizer_config.json"),
        """
        {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
         "chat_template": [{"name": "default", "template": "{{ bos_token }}d{{ eos_token }}"},
                           {"name": "tool_use", "template": "t{{ tools | length }}"}]}
        """);
    ChatTemplate template = ChatTemplate.find(temporary).orElseThrow();
    JsonNode conversations = TextResources.json("conversations.json");
    assertThat(render(template, conversations.get(0))).isEqualTo("<s>d</s>");
    assertThat(render(template, conversations.get(2))).isEqualTo("t1");
  }

  @Test
  void refusesMessagesWithoutRoleOrContent() throws IOException {
    ChatTemplate template = template("{{ messages[0].content }}");
    assertThatThrownBy(() -> render(template, MAPPER.readTree("{\"messages\": [{}]}")))
        .hasMessageContaining("message 0: no field role");
    assertThatThrownBy(
            () -> render(template, MAPPER.readTree("{\"messages\": [{\"role\": \"user\"}]}")))
        .hasMessageContaining("message 0: neither content nor tool_calls");
  }

  @Test
  void hasNoTemplateWithoutFiles() {
    assertThat(ChatTemplate.find(temporary)).isEmpty();
    assertThatThrownBy(() -> ChatTemplate.require(temporary))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("messages need a chat template");
  }

  private ChatTemplate template(String source) throws IOException {
    Files.copy(
        TextResources.file("tokenizer_config.json"), temporary.resolve("tokenizer_config.json"));
    Files.writeString(temporary.resolve("chat_template.jinja"), source);
    return ChatTemplate.find(temporary, NOON).orElseThrow();
  }

  private static String render(ChatTemplate template, JsonNode conversation) {
    return template.render(conversation.get("messages"), conversation.path("tools"));
  }
}
