package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionTest {
  private static final List<String> OPTIONS =
      List.of("--experts", "--ratio", "--statistics", "--similarity", "--seed");

  @ParameterizedTest
  @CsvSource({
    "--expert, --experts",
    "--exprets, --experts",
    "--stat, --statistics",
    "--similarty, --similarity",
    "--sead, --seed"
  })
  void findsWhatWasMeant(String typed, String meant) {
    assertThat(Suggestion.nearest(typed, OPTIONS)).contains(meant);
  }

  @Test
  void saysNothingWhenNothingIsNear() {
    assertThat(Suggestion.nearest("--force", OPTIONS)).isEmpty();
    assertThat(Suggestion.hint("x", List.of("abc", "def"))).isEqualTo("known are: abc, def");
  }

  @ParameterizedTest
  @CsvSource({"abc, abc, 0", "abc, acb, 1", "abc, ab, 1", "abc, xyz, 3", "'', abc, 3"})
  void distanceCountsEdits(String a, String b, int expected) {
    assertThat(Suggestion.distance(a, b)).isEqualTo(expected);
    assertThat(Suggestion.distance(b, a)).isEqualTo(expected);
  }
}
