package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointWriterTest {
  private static final TensorInfo A = new TensorInfo("a", Dtype.BF16, List.of(2L, 3L));
  private static final TensorInfo B = new TensorInfo("b", Dtype.F32, List.of(4L));
  private static final TensorInfo C = new TensorInfo("c", Dtype.U8, List.of(5L));

  @TempDir Path parent;
  private Path target;

  @BeforeEach
  void nameTarget() {
    target = parent.resolve("out");
  }

  private static MemorySegment bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return MemorySegment.ofArray(bytes);
  }

  private CheckpointWriter writer(List<TensorInfo> tensors) {
    return CheckpointWriter.create(target, tensors, WriterOptions.DEFAULTS);
  }

  private static Fault faultOf(Throwable thrown) {
    return ((SmeltException) thrown).fault();
  }

  @Test
  void writesTheReferenceLayout() {
    try (CheckpointWriter writer = writer(List.of(C, A, B))) {
      writer.write("a", bytes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
      writer.write("c", bytes(5, 4, 3, 2, 1));
      writer.write("b", bytes(1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0));
      WrittenCheckpoint written = writer.commit();
      assertThat(written.tensorBytes()).isEqualTo(33);
      assertThat(written.shards()).isEqualTo(1);
      assertThat(written.tensors()).isEqualTo(3);
    }
    assertThat(TestFiles.tree(parent)).containsExactly("out", "out/model.safetensors");
    byte[] file = TestFiles.read(target.resolve("model.safetensors"));
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[16,28]},"
            + "\"c\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[28,33]}}";
    int padded = (header.length() + 7) / 8 * 8;
    String text = new String(file, StandardCharsets.ISO_8859_1);
    assertThat(text.substring(8, 8 + padded))
        .isEqualTo(header + " ".repeat(padded - header.length()));
    assertThat(file).hasSize(8 + padded + 33).endsWith(5, 4, 3, 2, 1);
  }

  @Test
  void splitsIntoShardsWithAnExactIndex() {
    WriterOptions options = new WriterOptions(17, false);
    try (CheckpointWriter writer = CheckpointWriter.create(target, List.of(A, C, B), options)) {
      writer.write("c", bytes(1, 2, 3, 4, 5));
      writer.write("a", MemorySegment.ofArray(new byte[12]));
      writer.write("b", MemorySegment.ofArray(new byte[16]));
      writer.writeFile("config.json", "{}");
      assertThat(writer.commit().shards()).isEqualTo(2);
    }
    assertThat(TestFiles.tree(target))
        .containsExactly(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json");
    assertThat(target.resolve("model.safetensors.index.json"))
        .hasContent(
            """
            {
              "metadata": {
                "total_parameters": 15,
                "total_size": 33
              },
              "weight_map": {
                "a": "model-00001-of-00002.safetensors",
                "b": "model-00002-of-00002.safetensors",
                "c": "model-00001-of-00002.safetensors"
              }
            }
            """);
    try (Checkpoint checkpoint = Checkpoint.open(target)) {
      assertThat(checkpoint.tensors().sequencedKeySet()).containsExactly("a", "c", "b");
    }
  }

  @Test
  void copiesTensorsAndParts() {
    LinkedHashMap<String, TestFiles.Values> tensors = new LinkedHashMap<>();
    tensors.put("nan", TestFiles.f32(List.of(2L), Float.NaN, 1));
    tensors.put("x", TestFiles.values("U8", List.of(6L), new byte[] {1, 2, 3, 4, 5, 6}));
    tensors.put("odd", TestFiles.values("F4", List.of(4L), new byte[] {9, 8}));
    Path source = TestFiles.checkpoint(parent.resolve("in"), "{}", tensors);
    try (Checkpoint in = Checkpoint.open(source)) {
      List<TensorInfo> plan =
          List.of(in.require("nan").info(), C.renamed("y"), in.require("odd").info());
      try (CheckpointWriter writer = writer(plan)) {
        writer.copySlice("y", 3, in.require("x"), 0, 2);
        writer.copy("nan", in.require("nan"));
        writer.writeSlice("y", 1, bytes(7, 7));
        writer.copySlice("y", 0, in.require("x"), 5, 1);
        writer.copy("odd", in.require("odd"));
        writer.writeFile("config.json", "{}");
        writer.commit();
      }
    }
    try (Checkpoint out = Checkpoint.open(target)) {
      assertThat(out.data("y").toArray(ValueLayout.JAVA_BYTE)).containsExactly(6, 7, 7, 1, 2);
      assertThat(out.data("odd").byteSize()).isEqualTo(2);
      assertThat(out.data("nan").mismatch(MemorySegment.ofArray(tensors.get("nan").data())))
          .isEqualTo(-1);
    }
  }

  @Test
  void leavesNothingWithoutCommit() {
    Path deep = parent.resolve("x/y/out");
    try (CheckpointWriter writer =
        CheckpointWriter.create(deep, List.of(A), WriterOptions.DEFAULTS)) {
      assertThat(TestFiles.tree(parent)).hasSize(4);
      assertThat(deep).doesNotExist();
      assertThatThrownBy(writer::commit).hasMessageContaining("[a]");
    }
    assertThat(TestFiles.tree(parent)).isEmpty();
  }

  @Test
  void namesTheValueThatIsNotFinite() {
    try (CheckpointWriter writer = writer(List.of(A))) {
      assertThatThrownBy(
              () -> writer.write("a", bytes(0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x7F, 0x80, 0xFF)))
          .hasMessage("tensor a: the value at [1, 1] is NaN or infinite")
          .satisfies(thrown -> assertThat(faultOf(thrown)).isEqualTo(Fault.FAILED));
    }
  }

  @Test
  void replacesOnlyWithForceAndOnlyCheckpoints() throws Exception {
    Files.createDirectory(target);
    TestFiles.text(target.resolve("notes.txt"), "precious");
    assertThatThrownBy(() -> writer(List.of(C)))
        .hasMessageContaining("exists already")
        .satisfies(thrown -> assertThat(faultOf(thrown)).isEqualTo(Fault.USAGE));
    WriterOptions force = new WriterOptions(100, true);
    assertThatThrownBy(() -> CheckpointWriter.create(target, List.of(C), force))
        .hasMessageContaining("not a checkpoint directory");
    TestFiles.text(target.resolve("model.safetensors"), "old");
    try (CheckpointWriter writer = CheckpointWriter.create(target, List.of(C), force)) {
      writer.write("c", bytes(1, 2, 3, 4, 5));
      assertThat(target.resolve("model.safetensors")).hasContent("old");
      writer.commit();
    }
    assertThat(TestFiles.tree(parent)).containsExactly("out", "out/model.safetensors");
  }

  @Test
  void neverReplacesItsOwnInput() throws Exception {
    Path input =
        TestFiles.checkpoint(
            target, "{}", TestFiles.tensors("c", TestFiles.values("U8", List.of(5L), new byte[5])));
    TestFiles.text(target.resolve("tokenizer.json"), "{}");
    Path alias = Files.createSymbolicLink(parent.resolve("alias"), input);
    WriterOptions force = new WriterOptions(100, true);
    try (Checkpoint in = Checkpoint.open(alias);
        CheckpointWriter writer = CheckpointWriter.create(target, List.of(C), force)) {
      assertThatThrownBy(() -> writer.copy("c", in.require("c")))
          .hasMessageContaining("is the input too");
      assertThatThrownBy(() -> writer.copySideFiles(in)).hasMessageContaining("is the input too");
    }
    assertThat(TestFiles.tree(target))
        .containsExactly("config.json", "model.safetensors", "tokenizer.json");
  }

  @Test
  void refusesWrongUse() {
    try (CheckpointWriter writer = writer(List.of(A, C))) {
      assertBug(() -> writer.write("x", bytes()), "tensor x was not planned");
      assertBug(() -> writer.write("c", bytes(1)), "takes 5 bytes, given 1");
      assertBug(() -> writer.writeSlice("c", 4, bytes(1, 2)), "no part of 2 bytes at 4");
      assertBug(() -> writer.writeSlice("c", -1, bytes(1)), "no part of 1 bytes at -1");
      assertBug(() -> writer.writeSlice("a", 1, bytes(1, 2)), "begin and end at an element");
      assertBug(() -> writer.writeFile("../x", ""), "leaves the output directory");
      writer.writeSlice("c", 1, bytes(1, 2));
      assertBug(
          () -> writer.writeSlice("c", 0, bytes(1, 2)), "bytes from 0 to 2 are written twice");
      assertBug(() -> writer.writeSlice("c", 2, bytes(1)), "written twice");
      assertBug(writer::commit, "2 of 2 tensors were not written completely: [a, c]");
    }
    assertBug(() -> writer(List.of(A, A)).close(), "tensor a is planned twice");
  }

  private static void assertBug(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .hasMessageContaining(message)
        .satisfies(thrown -> assertThat(faultOf(thrown)).isEqualTo(Fault.BUG));
  }

  @Test
  void takesOverSideFilesButNotWhatItWroteItself() {
    Path input = TestFiles.checkpoint(parent.resolve("in"), "{\"a\": 1}", TestFiles.tensors());
    for (String name : List.of("README.md", "tokenizer.json", "code/x.py", "old.gguf")) {
      TestFiles.text(input.resolve(name), "old");
    }
    try (Checkpoint in = Checkpoint.open(input);
        CheckpointWriter writer = writer(List.of())) {
      writer.writeFile("README.md", "new");
      writer.copySideFiles(in);
      writer.writeFile("config.json", in.config().with("a", 2).text());
      writer.commit();
    }
    assertThat(TestFiles.tree(target))
        .containsExactly(
            "README.md", "code", "code/x.py", "config.json", "model.safetensors", "tokenizer.json");
    assertThat(target.resolve("README.md")).hasContent("new");
    assertThat(target.resolve("config.json")).hasContent("{\"a\": 2}");
  }

  @Test
  void refusesMoreThanTheDiskHolds() {
    TensorInfo huge = new TensorInfo("h", Dtype.U8, List.of(1L << 60));
    assertThatThrownBy(() -> writer(List.of(huge)))
        .hasMessageContaining("needs 1,152,921,504,606,847,")
        .satisfies(thrown -> assertThat(faultOf(thrown)).isEqualTo(Fault.RESOURCES));
    assertThat(TestFiles.tree(parent)).isEmpty();
  }

  @Test
  void aFullDiskIsAMatterOfResources() {
    IOException full = new IOException("No space left on device");
    assertThat(Failures.writing(parent, full).fault()).isEqualTo(Fault.RESOURCES);
    assertThat(Failures.writing(parent, new IOException("x")).fault()).isEqualTo(Fault.FAILED);
  }

  @Test
  void refusesATargetThatCannotBeMade() {
    Path file = TestFiles.text(parent.resolve("file"), "");
    assertThatThrownBy(
            () ->
                CheckpointWriter.create(file.resolve("out"), List.of(C), WriterOptions.DEFAULTS)
                    .close())
        .hasMessageContaining("cannot be written: " + file + " is a file")
        .satisfies(thrown -> assertThat(faultOf(thrown)).isEqualTo(Fault.FAILED));
    assertThat(TestFiles.tree(parent)).containsExactly("file");
  }

  @Test
  void writesBeyondTwoGibibytes() throws Exception {
    long big = 5L << 30;
    TensorInfo tensor = new TensorInfo("t", Dtype.U8, List.of(big));
    Path input = parent.resolve("in.safetensors");
    TestFiles.raw(
        input,
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}".formatted(big, big));
    try (FileChannel channel = FileChannel.open(input, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {5, 6, 7, 8}), channel.size() + big - 4);
    }
    try (SafetensorsFile source = SafetensorsFile.open(input);
        CheckpointWriter writer =
            CheckpointWriter.create(target, List.of(tensor), new WriterOptions(1, false))) {
      writer.writeSlice("t", big - 8, bytes(1, 2, 3, 4));
      writer.copySlice("t", big - 4, source.tensors().get("t"), big - 4, 4);
      String file =
          TestFiles.tree(parent).stream()
              .filter(n -> n.endsWith("/model.safetensors"))
              .findFirst()
              .orElseThrow();
      try (SafetensorsFile written = SafetensorsFile.open(parent.resolve(file))) {
        MemorySegment data = written.data(written.tensors().get("t"));
        assertThat(data.asSlice(big - 8).toArray(ValueLayout.JAVA_BYTE))
            .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
      }
    }
  }
}
