package dev.smelt.unlearn.measure;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.zip.Deflater;

/**
 * Membership inference: how well scores tell text that the model was trained on from text of the
 * same kind that it was not. Each is the area under the ROC curve, with forget sequences as members
 * and holdout sequences as others; 0.5 means they cannot be told apart.
 *
 * @param loss by mean loss
 * @param zlib by mean loss divided by the bytes of the text as zlib compresses it
 * @param minK by the mean of the lowest 40 % of the log-likelihoods (Min-K, arXiv 2310.16789)
 * @param minKPlusPlus by the same of standardised ones (Min-K++, arXiv 2404.02936)
 */
public record Membership(double loss, double zlib, double minK, double minKPlusPlus) {
  private static final double K = 0.4;

  /**
   * A sequence with its text.
   *
   * @param scores of its tokens
   * @param text the predicted tokens as text
   */
  public record Sample(TokenScores scores, String text) {}

  /** The areas for members and others. */
  public static Membership of(List<Sample> members, List<Sample> others) {
    return new Membership(
        area(members, others, s -> s.scores().loss()),
        area(members, others, s -> s.scores().loss() / compressed(s.text())),
        area(members, others, s -> -lowest(s.scores().logProbabilities())),
        area(members, others, s -> -lowest(s.scores().standardised())));
  }

  /** A score that is higher for what is less likely a member. */
  private interface Score {
    double of(Sample sample);
  }

  private static double area(List<Sample> members, List<Sample> others, Score score) {
    return area(
        members.stream().mapToDouble(score::of).toArray(),
        others.stream().mapToDouble(score::of).toArray());
  }

  /**
   * Area under the ROC curve: the chance that one of {@code others} has a higher value than one of
   * {@code members}, ties counted half (Mann-Whitney).
   */
  public static double area(double[] members, double[] others) {
    record Value(double value, boolean other) {}
    List<Value> all = new ArrayList<>();
    Arrays.stream(members).forEach(v -> all.add(new Value(v, false)));
    Arrays.stream(others).forEach(v -> all.add(new Value(v, true)));
    all.sort(Comparator.comparingDouble(Value::value));
    double rankSum = 0;
    for (int from = 0; from < all.size(); ) {
      int to = from;
      int found = 0;
      while (to < all.size() && all.get(to).value() == all.get(from).value()) {
        found += all.get(to).other() ? 1 : 0;
        to++;
      }
      rankSum += found * (from + 1 + to) / 2.0;
      from = to;
    }
    double n = others.length;
    return (rankSum - n * (n + 1) / 2) / (n * members.length);
  }

  /** Mean of the lowest 40 %, at least one. */
  static double lowest(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int count = Math.max(1, (int) (sorted.length * K));
    return Arrays.stream(sorted, 0, count).average().orElseThrow();
  }

  /** Bytes of a text as zlib compresses it with its default settings. */
  static int compressed(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    try (Deflater deflater = new Deflater()) {
      deflater.setInput(bytes);
      deflater.finish();
      byte[] buffer = new byte[bytes.length + 64];
      int total = 0;
      while (!deflater.finished()) {
        total += deflater.deflate(buffer);
      }
      return total;
    }
  }
}
