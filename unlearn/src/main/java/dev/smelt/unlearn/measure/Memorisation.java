package dev.smelt.unlearn.measure;

import java.util.List;

/**
 * How much of a text a model can say by heart, with the true tokens before each.
 *
 * @param exact exact memorisation (Tirumala et al. 2022, arXiv 2205.10770): mean share of the
 *     tokens that are the most likely ones
 * @param extraction extraction strength (Carlini et al. 2021, arXiv 2012.07805; as in
 *     open-unlearning): mean of {@code 1 - k / L}, where all of the L tokens from the k-th on are
 *     the most likely ones
 */
public record Memorisation(double exact, double extraction) {
  /** The means over sequences. */
  public static Memorisation of(List<TokenScores> sequences) {
    double exact = sequences.stream().mapToDouble(s -> exact(s.correct())).average().orElse(0);
    double extraction =
        sequences.stream().mapToDouble(s -> extraction(s.correct())).average().orElse(0);
    return new Memorisation(exact, extraction);
  }

  static double exact(boolean[] correct) {
    int count = 0;
    for (boolean token : correct) {
      count += token ? 1 : 0;
    }
    return (double) count / correct.length;
  }

  /** Zero if the last token is wrong; the released code gives 1 / L then. */
  static double extraction(boolean[] correct) {
    int known = 0;
    while (known < correct.length && correct[correct.length - 1 - known]) {
      known++;
    }
    return (double) known / correct.length;
  }
}
