package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DocumentsTest {
  @TempDir Path temporary;
  private ModelText model;

  @BeforeEach
  void open() {
    model = TextResources.model();
  }

  @AfterEach
  void close() {
    model.close();
  }

  private List<Document> read(String name, byte[] content) throws IOException {
    Path file = temporary.resolve(name);
    Files.write(file, content);
    return Documents.read(TextResources.source(file), model);
  }

  private List<Document> read(String name, String content) throws IOException {
    return read(name, content.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aTextIsOneDocument() throws IOException {
    List<Document> documents = read("a.txt", "one\n\ntwo\r\n");
    assertThat(documents).hasSize(1);
    assertThat(model.tokenizer().decode(documents.getFirst().tokens())).isEqualTo("one\n\ntwo\r\n");
  }

  @Test
  void linesAreDocuments() throws IOException {
    List<Document> documents =
        read("a.jsonl", "\uFEFF{\"text\": \"one\", \"x\": 1}\n\n  \r\n{\"text\": \"t\\nwo\"}");
    assertThat(documents)
        .extracting(document -> model.tokenizer().decode(document.tokens()))
        .containsExactly("one", "t\nwo");
    assertThat(documents.getLast().source()).endsWith("a.jsonl:4");
  }

  @Test
  void messagesGoThroughTheChatTemplate() throws IOException {
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(TextResources.file(name), temporary.resolve(name));
    }
    Files.writeString(
        temporary.resolve("chat_template.jinja"),
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% endfor %}");
    Path file = temporary.resolve("a.jsonl");
    Files.writeString(file, "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\n");
    try (ModelText chat = ModelText.open(temporary, TextResources.VOCABULARY)) {
      int[] tokens = Documents.read(TextResources.source(file), chat).getFirst().tokens();
      assertThat(chat.tokenizer().decode(tokens)).isEqualTo("[user] Hi<|endoftext|>");
      assertThat(tokens).endsWith(0);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      textBlock =
          """
          {"text": "a"}|{"text": @ a.jsonl:2: not JSON
          {"text": "a"}|{"text": "b"} x @ a.jsonl:2: not JSON
          {"text": "a"}|{"body": "b"} @ a.jsonl:2: neither a field text nor a field messages
          {"text": 5} @ a.jsonl:1: field text: expected a string, found a value of type number
          ["text"] @ a.jsonl:1: expected a JSON object, found a value of type array
          {"messages": []} @ a.jsonl:1: field messages: expected a non-empty list
          {"messages": [{"role": "user", "content": "x"}]} @ messages need a chat template
          {"text": "\\ud800"} @ a.jsonl:1: text is not Unicode
          """)
  void malformedLinesAreNamed(String lines, String message) {
    assertThatThrownBy(() -> read("a.jsonl", lines.replace('|', '\n')))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "61 62 ff 63, 0xFF at byte offset 2",
    "61 e2 82, 0xE2 at byte offset 1",
    "ed a0 80, 0xED at byte offset 0",
  })
  void malformedBytesAreNamed(String hex, String message) {
    byte[] bytes = HexFormat.ofDelimiter(" ").parseHex(hex);
    assertThatThrownBy(() -> read("a.txt", bytes))
        .hasMessageContaining("not UTF-8")
        .hasMessageContaining(message);
  }

  @Test
  void malformedBytesOfLinesCountFromTheStartOfTheFile() {
    byte[] bytes = "{\"text\": \"a\"}\n{\"text\": \"?\"}".getBytes(StandardCharsets.ISO_8859_1);
    bytes[24] = (byte) 0xC0;
    assertThatThrownBy(() -> read("a.jsonl", bytes)).hasMessageContaining("byte offset 24");
  }

  @ParameterizedTest
  @CsvSource({"<i4, 4, 1", "<i8, 8, 1", "<u2, 2, 2", "<u4, 4, 3"})
  void rowsOfArraysAreDocuments(String type, int bytes, int version) throws IOException {
    byte[] file = npy(version, type, "(2, 3)", bytes, 1, 2, 3, 4, 5, 1023);
    List<Document> documents = read("a.npy", file);
    assertThat(documents)
        .extracting(Document::tokens)
        .containsExactly(new int[] {1, 2, 3}, new int[] {4, 5, 1023});
    assertThat(documents).allMatch(Document::window);
    List<Document> one = read("b.npy", npy(version, type, "(4,)", bytes, 1, 2, 3, 4));
    assertThat(one).hasSize(1).noneMatch(Document::window);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      textBlock =
          """
          <i4 @ (2, 2) @ False @ needs 16 bytes of data, found 8
          >i4 @ (2,) @ False @ element type '>i4'
          <f4 @ (2,) @ False @ element type '<f4'
          <i4 @ (1, 2) @ True @ Fortran order
          <i4 @ (1, 1, 2) @ False @ shape [1, 1, 2], expected
          <i4 @ () @ False @ needs 4 bytes
          <i4 @ (9999999999, 9999999999) @ False @ too large
          <i4 @ (99999999999999999999,) @ False @ cannot be read
          """)
  void brokenArraysAreNamed(String type, String shape, String fortran, String message) {
    byte[] file = npy(1, type, shape + "F" + fortran, 4, 1, 2);
    assertThatThrownBy(() -> read("a.npy", file))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContaining("a.npy")
        .hasMessageContaining(message);
  }

  @Test
  void idsOutsideTheVocabularyAreNamed() {
    assertThatThrownBy(() -> read("a.npy", npy(1, "<i4", "(2, 2)", 4, 1, 2, 3, 1024)))
        .hasMessageContaining("a.npy[1]: token id 1024 at position 1")
        .hasMessageContaining("0 to 1023");
    assertThatThrownBy(() -> read("a.npy", npy(1, "<i4", "(2,)", 4, -100, 2)))
        .hasMessageContaining("token id -100 at position 0");
  }

  @Test
  void textOutsideTheVocabularyIsNamed() throws IOException {
    Files.writeString(temporary.resolve("a.txt"), "In the beginning");
    try (ModelText small = ModelText.open(TextResources.directory(), 20)) {
      TextSource source = TextResources.source(temporary.resolve("a.txt"));
      assertThatThrownBy(() -> Documents.read(source, small))
          .hasMessageContaining("a.txt: token id ")
          .hasMessageContaining("0 to 19");
    }
  }

  @Test
  void tensorsOfIdsAreDocuments() throws IOException {
    byte[] one = safetensors("{\"x\":{\"dtype\":\"I64\",\"shape\":[1,2],\"data_offsets\":[0,16]}}");
    assertThat(read("a.safetensors", one).getFirst().tokens()).containsExactly(7, 8);
    byte[] named =
        safetensors(
            "{\"mask\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"input_ids\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[8,16]}}");
    assertThat(read("b.safetensors", named).getFirst().tokens()).containsExactly(8, 0);
    byte[] two =
        safetensors(
            "{\"x\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"y\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]}}");
    assertThatThrownBy(() -> read("c.safetensors", two))
        .hasMessageContaining("no tensor input_ids");
    byte[] floats =
        safetensors("{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}");
    assertThatThrownBy(() -> read("d.safetensors", floats))
        .hasMessageContaining("token ids of type F32");
  }

  @ParameterizedTest
  @CsvSource({"a.txt", "a.jsonl", "a.npy", "a.safetensors"})
  void missingFilesAreNamed(String name) {
    TextSource source = TextResources.source(temporary.resolve(name));
    assertThatThrownBy(() -> Documents.read(source, model))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining(name + ": no such file");
  }

  private static byte[] safetensors(String header) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + json.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    return file.putLong(json.length).put(json).putLong(7).putLong(8).array();
  }

  /** A .npy file; the shape may be followed by {@code F} and the value of fortran_order. */
  static byte[] npy(int version, String type, String shape, int bytes, long... ids) {
    String[] parts = shape.split("F", 2);
    String order = parts.length == 2 ? parts[1] : "False";
    String header =
        "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + parts[0] + ", }\n";
    ByteBuffer file =
        ByteBuffer.allocate(12 + header.length() + bytes * ids.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    if (version == 1) {
      file.putShort((short) header.length());
    } else {
      file.putInt(header.length());
    }
    file.put(header.getBytes(StandardCharsets.US_ASCII));
    for (long id : ids) {
      for (int i = 0; i < bytes; i++) {
        file.put((byte) (id >> (8 * i)));
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file.array(), 0, file.position());
    return out.toByteArray();
  }
}
