package dev.smelt.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of consecutive numbers show where every token comes from. */
class CalibrationSetTest {
  @TempDir Path temporary;
  private ModelText model;

  @BeforeEach
  void open() {
    model = ModelText.open(TextResources.directory(), 1_000_000);
  }

  @AfterEach
  void close() {
    model.close();
  }

  /** A file of rows; the tokens count on from {@code first} through all rows. */
  private String rows(String name, int first, int rows, int length) throws IOException {
    long[] ids = IntStream.range(first, first + rows * length).asLongStream().toArray();
    Path file = temporary.resolve(name);
    Files.write(file, DocumentsTest.npy(1, "<i4", "(" + rows + ", " + length + ")", 4, ids));
    return file.toString();
  }

  private CalibrationSet draw(int sequences, int length, long seed, boolean pack, String... text) {
    List<TextSource> sources = TextSource.parse(List.of(text));
    return CalibrationSet.draw(
        new CalibrationRequest(sources, sequences, length, seed, pack), model);
  }

  private static long[] counts(CalibrationSet set) {
    long[] counts = new long[set.sources().size()];
    set.sequences().forEach(sequence -> counts[sequence.source()]++);
    return counts;
  }

  @Test
  void drawsDisjointWindowsOfTheDocuments() throws IOException {
    CalibrationSet set = draw(20, 16, 7, false, rows("a.npy", 0, 10, 50));
    Set<Integer> seen = new HashSet<>();
    for (TokenSequence sequence : set.sequences()) {
      int[] tokens = sequence.tokens();
      assertThat(tokens).hasSize(16);
      assertThat(tokens[15] - tokens[0]).isEqualTo(15);
      assertThat(tokens[0] / 50).as("one document").isEqualTo(tokens[15] / 50);
      Arrays.stream(tokens).forEach(token -> assertThat(seen.add(token)).isTrue());
    }
    assertThat(set.sequences()).hasSize(20);
    assertThat(set.tokens()).isEqualTo(320);
    assertThat(set.warnings()).isEmpty();
  }

  @Test
  void takesGeneratedSequences() throws IOException {
    CalibrationSet drawn = draw(4, 16, 7, false, rows("a.npy", 0, 10, 50));
    CalibrationSet set = drawn.with(List.of(new int[] {3, 4, 5}));
    assertThat(set.tokens()).isEqualTo(4 * 16 + 3);
    assertThat(set.sequences().subList(0, 4)).isEqualTo(drawn.sequences());
    assertThat(set.sequences().getLast().source()).isEqualTo(TokenSequence.NO_SOURCE);
    assertThat(set.tokenIds().getLast()).containsExactly(3, 4, 5);
    assertThat(set.hash()).isEqualTo(SequenceHash.ofIds(set.tokenIds())).isNotEqualTo(drawn.hash());
  }

  @Test
  void isTheSameForTheSameSeedOnly() throws IOException {
    String text = rows("a.npy", 0, 1, 5000);
    CalibrationSet set = draw(8, 32, 1, false, text);
    assertThat(draw(8, 32, 1, false, text)).isEqualTo(set);
    assertThat(draw(8, 32, 2, false, text).hash()).isNotEqualTo(set.hash());
    assertThat(draw(8, 31, 1, false, text).hash()).isNotEqualTo(set.hash());
  }

  @Test
  void reachesEveryToken() throws IOException {
    String text = rows("a.npy", 0, 1, 100);
    Set<Integer> seen = new HashSet<>();
    for (int seed = 0; seed < 200; seed++) {
      draw(1, 32, seed, false, text)
          .sequences()
          .forEach(sequence -> Arrays.stream(sequence.tokens()).forEach(seen::add));
    }
    assertThat(seen).hasSize(100);
  }

  @Test
  void sharesByWeightAndWithinAnArgumentByTokens() throws IOException {
    Files.createDirectory(temporary.resolve("d"));
    rows("d/big.npy", 0, 1, 3000);
    rows("d/small.npy", 3000, 1, 1000);
    String other = rows("z.npy", 5000, 1, 4000);
    String directory = temporary.resolve("d").toString();
    CalibrationSet set = draw(10, 10, 3, false, directory + ":0.75", other + ":0.25");
    assertThat(counts(set)).containsExactly(6, 2, 2); // 5.625, 1.875, 2.5
    assertThat(counts(draw(8, 10, 3, false, directory, other))).containsExactly(3, 1, 4);
  }

  @Test
  void givesLessWhereTheTextEndsAndSaysSo() throws IOException {
    String small = rows("a.npy", 0, 1, 30);
    String large = rows("b.npy", 100, 1, 1000);
    CalibrationSet moved = draw(20, 10, 1, false, small, large);
    assertThat(counts(moved)).containsExactly(3, 17);
    assertThat(moved.warnings()).singleElement().asString().contains("a.npy: 3 of the 10");
    CalibrationSet fewer = draw(200, 10, 1, false, small, large);
    assertThat(counts(fewer)).containsExactly(3, 100);
    assertThat(fewer.warnings()).anyMatch(warning -> warning.contains("103 sequences instead"));
  }

  @Test
  void warnsOfASourceWithoutASequence() throws IOException {
    CalibrationSet set =
        draw(1, 10, 1, false, rows("a.npy", 0, 1, 30) + ":0.1", rows("b.npy", 100, 1, 30));
    assertThat(counts(set)).containsExactly(0, 1);
    assertThat(set.warnings()).singleElement().asString().contains("a.npy: no sequences");
  }

  @Test
  void keepsShortDocumentsWholeAndSkipsSingleTokens() throws IOException {
    Path file = temporary.resolve("a.jsonl");
    Files.writeString(file, "{\"text\":\"\"}\n{\"text\":\"a\"}\n{\"text\":\"a b c\"}\n");
    CalibrationSet set = draw(5, 100, 1, false, file.toString());
    assertThat(set.sequences()).hasSize(1);
    assertThat(model.tokenizer().decode(set.sequences().getFirst().tokens())).isEqualTo("a b c");
  }

  @Test
  void packsDocumentsOnRequestOnly() throws IOException {
    String text = rows("a.npy", 0, 10, 7);
    assertThat(draw(10, 20, 1, false, text).sequences()).allMatch(s -> s.length() == 7);
    CalibrationSet packed = draw(10, 20, 1, true, text);
    assertThat(packed.sequences()).hasSize(3).allMatch(s -> s.length() == 20);
  }

  @Test
  void refusesTextThatIsTooShort() throws IOException {
    Path empty = Files.writeString(temporary.resolve("a.txt"), "");
    Path one = Files.writeString(temporary.resolve("b.txt"), "a");
    assertThatThrownBy(() -> draw(5, 10, 1, false, empty.toString(), one.toString()))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContaining("a.txt: too short: 0 tokens found, a document needs at least 2")
        .hasMessageContaining("b.txt: too short: 1 token found");
  }

  @Test
  void refusesAllWrongNumbersAtOnce() {
    assertThatThrownBy(() -> new CalibrationRequest(List.of(), 0, 1, 0, false))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.USAGE))
        .hasMessageContaining("3 problems");
  }

  @Test
  void hashesAsDocumented() {
    List<TokenSequence> two =
        List.of(new TokenSequence(0, new int[] {1, 2}), new TokenSequence(0, new int[] {3, 4}));
    List<TokenSequence> other =
        List.of(new TokenSequence(0, new int[] {1, 2, 3}), new TokenSequence(0, new int[] {4, 5}));
    assertThat(SequenceHash.of(two))
        .isEqualTo("bee89c849ca7e1cc3ea797e05297c314b9be47b495e2e8067a50b6f293a8c95a")
        .isNotEqualTo(SequenceHash.of(other));
  }
}
