package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class TextTokenizerTest {
  @TempDir Path temporary;

  static Stream<JsonNode> goldens() {
    return TextResources.json("goldens.json").get("encoded").valueStream();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void encodesAsTransformers(JsonNode golden) throws Exception {
    String text = golden.has("text") ? golden.get("text").asString() : longText();
    try (TextTokenizer tokenizer = TextTokenizer.open(TextResources.directory())) {
      int[] ids = tokenizer.encode(text);
      assertThat(ids).hasSize(golden.get("count").asInt());
      assertThat(sha256(ids)).isEqualTo(golden.get("sha256").asString());
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @Test
  void ignoresTruncationAndPaddingOfTheFile() throws IOException {
    String json = TextResources.text("tokenizer.json");
    assertThat(json).contains("\"truncation\": null", "\"padding\": null");
    Files.writeString(
        temporary.resolve("tokenizer.json"),
        json.replace(
                "\"truncation\": null",
                "\"truncation\": {\"direction\": \"Right\", \"max_length\": 8, \"strategy\":"
                    + " \"LongestFirst\", \"stride\": 0}")
            .replace(
                "\"padding\": null",
                "\"padding\": {\"strategy\": {\"Fixed\": 64}, \"direction\": \"Right\","
                    + " \"pad_to_multiple_of\": null, \"pad_id\": 0, \"pad_type_id\": 0,"
                    + " \"pad_token\": \"<|endoftext|>\"}"));
    try (TextTokenizer limited = TextTokenizer.open(temporary);
        TextTokenizer tokenizer = TextTokenizer.open(TextResources.directory())) {
      String text = "In the beginning God created the heaven and the earth.";
      assertThat(limited.encode(text)).isEqualTo(tokenizer.encode(text));
      assertThat(limited.encode("a")).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\uD800b", "\uDC00", "a\uDBFF"})
  void refusesUnpairedSurrogates(String text) {
    try (TextTokenizer tokenizer = TextTokenizer.open(TextResources.directory())) {
      assertThatThrownBy(() -> tokenizer.encode(text))
          .isInstanceOf(SmeltException.class)
          .hasMessageContaining("unpaired surrogate");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "{}", "[]", "{\"model\": {\"type\": \"Nope\"}}"})
  void refusesBrokenFiles(String json) throws IOException {
    Files.writeString(temporary.resolve("tokenizer.json"), json);
    assertThatThrownBy(() -> TextTokenizer.open(temporary))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContaining("tokenizer.json: not a tokenizer");
  }

  @Test
  void saysThatTheFileIsMissing() {
    assertThatThrownBy(() -> TextTokenizer.open(temporary))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("tokenizer.json: no such file");
  }

  @Test
  void refusesToWorkWhenClosed() {
    TextTokenizer tokenizer = TextTokenizer.open(TextResources.directory());
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a")).isInstanceOf(IllegalStateException.class);
  }

  private static String longText() {
    return (TextResources.text("austen.txt") + TextResources.text("kjv.txt")).repeat(20);
  }

  private static String sha256(int[] ids) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids);
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
  }
}
