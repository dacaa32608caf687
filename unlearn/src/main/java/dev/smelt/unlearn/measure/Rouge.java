package dev.smelt.unlearn.measure;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * ROUGE-L recall (Lin 2004): the longest common subsequence of words, divided by the words of the
 * reference.
 *
 * <p>Words are runs of letters and digits, in lower case. The rouge-score package keeps ASCII only
 * and may stem English words; this does neither, so that other languages count too.
 */
public final class Rouge {
  private static final Pattern SEPARATOR = Pattern.compile("[^\\p{L}\\p{N}]+");

  private Rouge() {}

  /** Recall of a candidate's words; 0 for a reference without words. */
  public static double recall(String reference, String candidate) {
    List<String> expected = words(reference);
    List<String> found = words(candidate);
    return expected.isEmpty() ? 0 : (double) common(expected, found) / expected.size();
  }

  static List<String> words(String text) {
    return SEPARATOR
        .splitAsStream(text.toLowerCase(Locale.ROOT))
        .filter(w -> !w.isEmpty())
        .toList();
  }

  private static int common(List<String> a, List<String> b) {
    int[] row = new int[b.size() + 1];
    for (String word : a) {
      int diagonal = 0;
      for (int j = 1; j <= b.size(); j++) {
        int above = row[j];
        row[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(row[j], row[j - 1]);
        diagonal = above;
      }
    }
    return row[b.size()];
  }
}
