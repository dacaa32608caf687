package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which tokens are learnt from. */
class TokenSplitTest {
  private static List<int[]> sequences(int... lengths) {
    return IntStream.range(0, lengths.length)
        .mapToObj(s -> IntStream.range(0, lengths[s]).map(t -> 100 * s + t).toArray())
        .toList();
  }

  @Test
  void trainingSequencesAreThoseThatAreNotHeldOut() {
    List<int[]> all = sequences(3, 5, 1, 4, 2, 6, 3, 3, 7);
    TokenSplit split = TokenSplit.draw(all.stream().map(s -> s.length).toList(), 4);
    List<int[]> training = split.training(all);
    assertThat(training).hasSize(8);
    assertThat(all).containsSubsequence(training.toArray(int[][]::new));
    int[] flat = all.stream().flatMapToInt(IntStream::of).toArray();
    assertThat(training.stream().flatMapToInt(IntStream::of).toArray())
        .containsExactly(IntStream.of(split.training()).map(t -> flat[t]).toArray());
  }

  @Test
  void ofASingleSequenceItIsTheBeginning() {
    List<int[]> one = sequences(16);
    assertThat(TokenSplit.draw(List.of(16), 4).training(one))
        .containsExactly(IntStream.range(0, 14).toArray());
  }
}
