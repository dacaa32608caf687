package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextSourceTest {
  @TempDir Path temporary;

  @BeforeEach
  void write() throws IOException {
    Files.createDirectories(temporary.resolve("d/deep"));
    for (String name : List.of("b.txt", "a.jsonl", ".hidden.txt", "README.md", "deep/c.npy")) {
      Files.writeString(temporary.resolve("d").resolve(name), "x");
    }
    Files.writeString(temporary.resolve("odd:2.txt"), "x");
    Files.writeString(temporary.resolve("e.txt"), "x");
    Files.writeString(temporary.resolve("f.txt:3"), "x");
  }

  private String at(String name) {
    return temporary + "/" + name;
  }

  private List<String> paths(String... arguments) {
    return TextSource.parse(List.of(arguments)).stream()
        .map(source -> temporary.relativize(source.path()) + " " + source.weight())
        .toList();
  }

  @Test
  void readsFilesWeightsAndColons() {
    assertThat(paths(at("e.txt"))).containsExactly("e.txt 1.0");
    assertThat(paths(at("e.txt:0.7"))).containsExactly("e.txt 0.7");
    assertThat(paths(at("e.txt:2e1"))).containsExactly("e.txt 20.0");
    assertThat(paths(at("odd:2.txt"))).containsExactly("odd:2.txt 1.0");
    assertThat(paths(at("odd:2.txt:3"))).containsExactly("odd:2.txt 3.0");
  }

  @Test
  void expandsDirectoriesAndGlobsInSortedOrder() {
    assertThat(paths(at("d:0.5"))).containsExactly("d/a.jsonl 0.5", "d/b.txt 0.5");
    assertThat(paths(at("d/*"))).containsExactly("d/a.jsonl 1.0", "d/b.txt 1.0");
    assertThat(paths(at("*/*.txt:2"))).containsExactly("d/b.txt 2.0");
    assertThat(paths(at("**/*.{npy,jsonl}"))).containsExactly("d/a.jsonl 1.0", "d/deep/c.npy 1.0");
    assertThat(paths(at("d/[ab].*"))).containsExactly("d/a.jsonl 1.0", "d/b.txt 1.0");
  }

  @Test
  void keepsTheArgumentOfEveryFile() {
    List<TextSource> sources = TextSource.parse(List.of(at("e.txt"), at("d:2")));
    assertThat(sources)
        .extracting(TextSource::argument)
        .containsExactly(at("e.txt"), at("d:2"), at("d:2"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"none.txt", "e.txt:0x", "e.txt:-1", "z/*.txt", "*.md", "e.txt:NaN"})
  void saysWhatIsNotThere(String name) {
    assertThatThrownBy(() -> TextSource.parse(List.of(at(name))))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContaining(at(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"d/README.md", "e.txt:0", "f.txt:3", "d/[", "e\0.txt"})
  void saysWhatIsWrong(String name) {
    assertThatThrownBy(() -> TextSource.parse(List.of(at(name))))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.USAGE));
  }

  @Test
  void reportsAllProblemsAtOnceAndFilesNamedTwice() {
    assertThatThrownBy(() -> TextSource.parse(List.of(at("x.txt"), at("e.txt"), at("y.txt"))))
        .hasMessageContaining("x.txt: no such")
        .hasMessageContaining("y.txt: no such");
    assertThatThrownBy(() -> TextSource.parse(List.of(at("d/b.txt"), at("d"))))
        .hasMessageContaining("named twice");
  }
}
