package dev.smelt.unlearn.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.unlearn.SetOverlap;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Measures against values of scipy, zlib and NumPy, which tools/reference/measures_reference.py
 * prints.
 */
class MeasuresTest {
  private static TokenScores scores(double[] logs, boolean... correct) {
    return new TokenScores(logs, logs, correct.length == 0 ? new boolean[logs.length] : correct);
  }

  @Test
  void areaWithTies() {
    double[] members = {0.1, 0.4, 0.35, 0.8, 0.4};
    double[] others = {0.4, 0.9, 0.35, 1.2};
    assertThat(Membership.area(members, others)).isCloseTo(0.725, within(1e-12));
    assertThat(Membership.area(others, members)).isCloseTo(0.275, within(1e-12));
    assertThat(Membership.area(members, members)).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void lowestFortyPercent() {
    assertThat(Membership.lowest(new double[] {-1, -5, -3, -2, -4})).isEqualTo(-4.5);
    assertThat(Membership.lowest(new double[] {-2})).isEqualTo(-2);
  }

  @Test
  void bytesOfZlib() {
    assertThat(Membership.compressed("")).isEqualTo(8);
    assertThat(Membership.compressed("In the beginning God created the heaven and the earth."))
        .isEqualTo(54);
    assertThat(Membership.compressed("abc".repeat(200))).isEqualTo(17);
  }

  @Test
  void memorisation() {
    List<TokenScores> sequences =
        List.of(
            scores(new double[4], true, false, true, true),
            scores(new double[2], true, false),
            scores(new double[2], true, true));
    Memorisation found = Memorisation.of(sequences);
    assertThat(found.exact()).isCloseTo((0.75 + 0.5 + 1) / 3, within(1e-12));
    assertThat(found.extraction()).isCloseTo((0.5 + 0 + 1) / 3, within(1e-12));
  }

  /** Against torchmetrics, which computes what the rouge-score package does; without a stemmer. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "the cat sat on the mat | The cat lay on a mat! | 0.6666667",
        "a b c d | d c b a | 0.25",
        "In the beginning God created the heaven and the earth. And the earth was without form, and"
            + " void; | And God said, Let the earth bring forth; and in the beginning the heaven"
            + " was void, without form. | 0.4444444",
        "It is a truth universally acknowledged, that a single man in possession of a good fortune,"
            + " must be in want of a wife. | It is a truth that a man of good fortune must want a"
            + " wife 2 times. | 0.6086956",
        "one two three | four five | 0"
      })
  void rougeOfEnglish(String reference, String candidate, double recall) {
    assertThat(Rouge.recall(reference, candidate)).isCloseTo(recall, within(1e-6));
  }

  @Test
  void rougeOfOtherWords() {
    assertThat(Rouge.recall("für die Straße", "die Straße für")).isEqualTo(2 / 3.0);
    assertThat(Rouge.recall("", "x")).isZero();
    assertThat(Rouge.recall("x y", "")).isZero();
  }

  @Test
  void forgetQualityOfSmallSamples() {
    TofuScores a = tofu(0.61, 0.72, 0.93, 1.04, 1.15, 1.36);
    TofuScores b = tofu(0.2, 0.33, 0.45, 0.66, 0.7, 1.0);
    assertThat(TofuScores.forgetQuality(a, b)).isCloseTo(0.1428571428571429, within(1e-9));
  }

  private static TofuScores tofu(Double... ratios) {
    return new TofuScores(0, 0, 0, Arrays.asList(ratios));
  }

  @Test
  void utilityIsTheHarmonicMean() {
    assertThat(TofuScores.harmonic(0.5, 0.25, 1)).isCloseTo(3 / 7.0, within(1e-12));
    assertThat(TofuScores.harmonic(0.5, 0, 1)).isZero();
  }

  @Test
  void overlapOfSets() {
    int[] a = IntStream.range(0, 40).toArray();
    int[] b = IntStream.range(20, 60).toArray();
    int[] c = IntStream.range(100, 140).toArray();
    assertThat(SetOverlap.of(List.of(a), List.of(a))).isEqualTo(1);
    assertThat(SetOverlap.of(List.of(a), List.of(b))).isEqualTo(0.5);
    assertThat(SetOverlap.of(List.of(a), List.of(c))).isZero();
  }
}
