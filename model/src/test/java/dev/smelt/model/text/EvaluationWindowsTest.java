package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluationWindowsTest {
  @TempDir Path temporary;

  private EvaluationWindows read(Path file, int length) {
    try (ModelText model = TextResources.model()) {
      return EvaluationWindows.read(List.of(TextResources.source(file)), length, model).getFirst();
    }
  }

  private Path ids(String shape, int count) throws IOException {
    long[] ids = IntStream.range(0, count).asLongStream().toArray();
    return Files.write(temporary.resolve("a.npy"), DocumentsTest.npy(1, "<i4", shape, 4, ids));
  }

  @Test
  void cutsATextIntoConsecutiveWindows() {
    Path file = TextResources.file("kjv.txt");
    EvaluationWindows windows = read(file, 256);
    try (ModelText model = TextResources.model()) {
      int[] whole = model.tokenizer().encode(TextResources.text("kjv.txt"));
      int[] joined = windows.windows().stream().flatMapToInt(Arrays::stream).toArray();
      assertThat(joined).isEqualTo(whole);
    }
    int last = windows.windows().size() - 1;
    assertThat(windows.windows().subList(0, last)).allMatch(window -> window.length == 256);
    assertThat(windows.predictedTokens())
        .isEqualTo(255L * last + windows.windows().get(last).length - 1);
  }

  @ParameterizedTest
  @CsvSource({"20, 10, 18", "21, 10, 18", "22, 10, 19", "5, 10, 4", "2, 2, 1", "3, 2, 1"})
  void countsALastWindowOfTwoTokens(int tokens, int length, long predicted) throws IOException {
    assertThat(read(ids("(" + tokens + ",)", tokens), length).predictedTokens())
        .isEqualTo(predicted);
  }

  @Test
  void takesRowsAsTheyAre() throws IOException {
    EvaluationWindows windows = read(ids("(3, 8)", 24), 4);
    assertThat(windows.windows()).hasSize(3).allMatch(window -> window.length == 8);
    assertThat(windows.predictedTokens()).isEqualTo(21);
  }

  @Test
  void refusesTextThatIsTooShortAndWindowsOfOne() throws IOException {
    Path rows = ids("(3, 1)", 3);
    assertThatThrownBy(() -> read(rows, 4))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("a.npy: too short: 3 tokens found");
    assertThatThrownBy(() -> read(rows, 1)).hasMessageContaining("windows of 1 tokens");
  }
}
