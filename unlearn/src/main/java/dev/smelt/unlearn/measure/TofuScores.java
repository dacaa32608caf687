package dev.smelt.unlearn.measure;

import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.stat.inference.KolmogorovSmirnovTest;

/**
 * A model's answers to questions in TOFU's format (arXiv 2401.06121, section 2.2).
 *
 * @param probability mean of {@code exp(-loss)} of the true answer, with the mean loss of its
 *     tokens
 * @param normalised mean of the true answer's probability divided by the sum of it and those of the
 *     wrong answers; 0 without wrong answers
 * @param recall mean ROUGE-L recall of greedy answers
 * @param truthRatios for each question {@code exp(-mean loss of wrong answers) / exp(-loss of the
 *     paraphrased answer)}; empty without wrong answers
 */
public record TofuScores(
    double probability, double normalised, double recall, List<Double> truthRatios) {
  /** Copies the list. */
  public TofuScores {
    truthRatios = List.copyOf(truthRatios);
  }

  /** Mean of {@code max(0, 1 - R)}: how much more likely the truth is. */
  public double truth() {
    return truthRatios.stream().mapToDouble(r -> Math.max(0, 1 - r)).average().orElse(0);
  }

  /**
   * Forget quality: the p-value of the two-sample Kolmogorov-Smirnov test between the truth ratios
   * of a model that has forgotten and of one that never knew. Above 0.05 they cannot be told apart.
   */
  public static double forgetQuality(TofuScores forgotten, TofuScores never) {
    return new KolmogorovSmirnovTest()
        .kolmogorovSmirnovTest(array(forgotten.truthRatios), array(never.truthRatios), false);
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /**
   * Model utility: the harmonic mean of probability, recall and truth on the retain set, real
   * authors and world facts; probabilities of the last two are normalised. 0 if one of them is 0.
   */
  public static double utility(TofuScores retain, TofuScores authors, TofuScores facts) {
    return harmonic(
        retain.probability,
        retain.recall,
        retain.truth(),
        authors.normalised,
        authors.recall,
        authors.truth(),
        facts.normalised,
        facts.recall,
        facts.truth());
  }

  static double harmonic(double... values) {
    return Arrays.stream(values).anyMatch(v -> v <= 0)
        ? 0
        : values.length / Arrays.stream(values).map(v -> 1 / v).sum();
  }
}
