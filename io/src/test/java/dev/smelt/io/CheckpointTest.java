package dev.smelt.io;

import static dev.smelt.io.TestFiles.f32;
import static dev.smelt.io.TestFiles.i64;
import static dev.smelt.io.TestFiles.tensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final String ONE = "model-00001-of-00002.safetensors";
  private static final String TWO = "model-00002-of-00002.safetensors";

  @TempDir Path parent;
  private Path directory;

  @BeforeEach
  void makeSharded() {
    directory = parent.resolve("model");
    TestFiles.text(directory.resolve("config.json"), "{\"model_type\": \"mixtral\"}");
    TestFiles.safetensors(
        directory.resolve(TWO), tensors("c", f32(List.of(1L), 3), "a", i64(List.of(1L, 1L), 7)));
    TestFiles.safetensors(directory.resolve(ONE), tensors("b", f32(List.of(2L), 1.5f, -2f)));
    index("\"a\": \"%s\", \"b\": \"%s\", \"c\": \"%s\"".formatted(TWO, ONE, TWO));
  }

  private void index(String entries) {
    TestFiles.text(
        directory.resolve("model.safetensors.index.json"),
        "{\"metadata\": {\"total_size\": 20}, \"weight_map\": {" + entries + "}}");
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> Checkpoint.open(directory).close())
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContainingAll(parts);
  }

  @Test
  void readsShardsInFileOrder() {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensors().sequencedKeySet()).containsExactly("b", "c", "a");
      assertThat(checkpoint.shards())
          .containsExactly(directory.resolve(ONE), directory.resolve(TWO));
      assertThat(checkpoint.data("b").get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4)).isEqualTo(-2f);
      assertThat(checkpoint.data("a").get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isEqualTo(7);
      assertThat(checkpoint.config().string("model_type")).hasValue("mixtral");
      assertThat(checkpoint.totalBytes()).isEqualTo(20);
      assertThat(checkpoint.find("d")).isEmpty();
      assertThatThrownBy(() -> checkpoint.require("d")).hasMessageContaining("no tensor d among 3");
    }
  }

  @Test
  void releasedPagesComeBack() {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      checkpoint.releasePages();
      var data = checkpoint.data("a");
      assertThat(data.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isEqualTo(7);
      checkpoint.releasePages();
      assertThat(data.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isEqualTo(7);
    }
  }

  @Test
  void aSingleFileWinsOverAnIndex() {
    TestFiles.safetensors(
        directory.resolve("model.safetensors"), tensors("x", f32(List.of(1L), 3)));
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensors().sequencedKeySet()).containsExactly("x");
    }
  }

  @Test
  void theFingerprintSeesConfigurationAndValues() {
    String first = fingerprint();
    assertThat(first).matches("[0-9a-f]{64}").isEqualTo(fingerprint());
    TestFiles.safetensors(directory.resolve(ONE), tensors("b", f32(List.of(2L), 1.5f, -3f)));
    String second = fingerprint();
    assertThat(second).isNotEqualTo(first);
    TestFiles.text(directory.resolve("config.json"), "{\"model_type\": \"olmoe\"}");
    assertThat(fingerprint()).isNotEqualTo(second);
  }

  private String fingerprint() {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      return checkpoint.fingerprint();
    }
  }

  @Test
  void refusesAnIndexThatContradictsItsShards() {
    index(
        "\"a\": \"%s\", \"b\": \"%s\", \"c\": \"%s\", \"d\": \"%s\"".formatted(TWO, ONE, ONE, ONE));
    assertRefused(
        "promises tensor c in " + ONE,
        "promises tensor d in " + ONE,
        "holds tensor c, which the index puts into " + ONE);
  }

  @Test
  void refusesATensorThatTheIndexDoesNotName() {
    index("\"b\": \"%s\", \"c\": \"%s\"".formatted(ONE, TWO));
    assertRefused("holds tensor a, which the index does not name");
  }

  @Test
  void refusesAnIndexThatIsDamaged() {
    index("\"a\": \"%s\", \"a\": \"%s\", \"c\": 3".formatted(TWO, ONE));
    assertRefused("weight_map names a twice", "weight_map: c: expected a file name, found 3");
    TestFiles.text(directory.resolve("model.safetensors.index.json"), "{\"metadata\": {}}");
    assertRefused("weight_map: expected an object");
    TestFiles.text(directory.resolve("model.safetensors.index.json"), "{\"weight_map\": {");
    assertRefused("index.json: not valid JSON");
  }

  @Test
  void refusesFilesOutsideOfTheDirectory() throws Exception {
    TestFiles.safetensors(parent.resolve("out.safetensors"), tensors("b", f32(List.of(1L), 1)));
    index("\"a\": \"%s\", \"b\": \"../out.safetensors\", \"c\": \"%s\"".formatted(TWO, TWO));
    assertRefused("'../out.safetensors' leaves the directory");
    index("\"a\": \"%s\", \"b\": \"%s\"".formatted(TWO, parent.resolve("out.safetensors")));
    assertRefused("leaves the directory");
    index("\"a\": \"%s\", \"b\": \"link.safetensors\", \"c\": \"%s\"".formatted(TWO, TWO));
    Path link = directory.resolve("link.safetensors");
    Files.createSymbolicLink(link, Path.of("../out.safetensors"));
    assertRefused("link.safetensors: links to", "outside of the checkpoint directory");
    Files.delete(link);
    assertRefused("link.safetensors: missing");
    Files.createSymbolicLink(link, Path.of("../nothing"));
    assertRefused("link.safetensors: a dangling link");
    index("\"a\": \"\", \"b\": \"a\\u0000b\"");
    assertRefused("the file name ''", "is not a file name");
  }

  @Test
  void acceptsLinksWithinTheDirectoryAndToItsCacheBlobs() throws Exception {
    Path model = parent.resolve("models--acme--tiny");
    Path snapshot = Files.createDirectories(model.resolve("snapshots/abc"));
    Path blobs = Files.createDirectories(model.resolve("blobs"));
    int number = 0;
    for (String name : TestFiles.tree(directory)) {
      Files.move(directory.resolve(name), blobs.resolve("blob" + number));
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/blob" + number++));
    }
    TestFiles.text(blobs.resolve("tok"), "{}");
    Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/tok"));
    try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
      assertThat(checkpoint.tensors()).hasSize(3);
      assertThat(checkpoint.sideFiles()).containsExactly(snapshot.resolve("tokenizer.json"));
    }
    Files.createSymbolicLink(parent.resolve("alias"), snapshot);
    Checkpoint.open(parent.resolve("alias")).close();
    Path other = Files.createDirectories(parent.resolve("models--acme--other/blobs"));
    Files.move(blobs.resolve("blob0"), other.resolve("blob0"));
    Path config = snapshot.resolve("config.json");
    Files.delete(config);
    Files.createSymbolicLink(config, Path.of("../../../models--acme--other/blobs/blob0"));
    assertThatThrownBy(() -> Checkpoint.open(snapshot).close())
        .hasMessageContaining("config.json: links to");
  }

  @Test
  void refusesDirectoriesThatAreNoCheckpoints() throws Exception {
    Files.delete(directory.resolve("model.safetensors.index.json"));
    TestFiles.bytes(directory.resolve("pytorch_model.bin"), new byte[3]);
    assertRefused("expected model.safetensors or model.safetensors.index.json, found neither");
    Files.delete(directory.resolve("config.json"));
    assertRefused("config.json: missing");
    TestFiles.bytes(directory.resolve("config.json"), (byte) '"', (byte) 0xFF, (byte) '"');
    assertRefused("config.json", "UTF-8");
    directory = parent.resolve("nowhere");
    assertRefused("no such directory");
    TestFiles.text(directory, "");
    assertRefused("not a directory");
  }

  @Test
  void listsWhatARewrittenCheckpointTakesOver() throws Exception {
    for (String name :
        List.of(
            "tokenizer.json",
            "LICENSE",
            "modeling_x.py",
            "vocab.bin",
            "README.md",
            "code/a.py",
            "code/deep/b.json",
            "code/image.png",
            "code/.hidden.py",
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model.bin.index.json",
            "m.gguf",
            "consolidated.00.pth",
            "optimizer.pt",
            "training_args.bin",
            "extra.safetensors",
            "smelt-report.json",
            ".gitattributes",
            ".git/config",
            ".cache/huggingface/x.json",
            "onnx/model.onnx",
            "onnx/config.json",
            "__pycache__/a.py")) {
      TestFiles.text(directory.resolve(name), "");
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.sideFiles().stream().map(f -> directory.relativize(f).toString()))
          .containsExactly(
              "LICENSE",
              "README.md",
              "code/a.py",
              "code/deep/b.json",
              "modeling_x.py",
              "tokenizer.json",
              "vocab.bin");
      TestFiles.text(parent.resolve("secret"), "");
      Files.createSymbolicLink(directory.resolve("notes"), Path.of("../secret"));
      assertThatThrownBy(checkpoint::sideFiles).hasMessageContaining("notes: links to");
    }
  }
}
