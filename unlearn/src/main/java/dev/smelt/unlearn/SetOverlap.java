package dev.smelt.unlearn;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How much of one set of sequences stands in another one too: the share of its tokens that belong
 * to a run of 13 tokens that the other set has as well.
 */
public final class SetOverlap {
  /** Tokens of a run; shorter ones occur in unrelated texts. */
  public static final int RUN = 13;

  private SetOverlap() {}

  /**
   * The share of the tokens of {@code set} that are in runs of {@code other}: 0 for nothing, 1 for
   * everything.
   */
  public static double of(List<int[]> set, List<int[]> other) {
    Set<List<Integer>> runs = new HashSet<>();
    for (int[] sequence : other) {
      for (int at = 0; at + RUN <= sequence.length; at++) {
        runs.add(run(sequence, at));
      }
    }
    long tokens = 0;
    long shared = 0;
    for (int[] sequence : set) {
      tokens += sequence.length;
      shared += shared(sequence, runs);
    }
    return tokens == 0 ? 0 : (double) shared / tokens;
  }

  private static long shared(int[] sequence, Set<List<Integer>> runs) {
    boolean[] covered = new boolean[sequence.length];
    for (int at = 0; at + RUN <= sequence.length; at++) {
      if (runs.contains(run(sequence, at))) {
        Arrays.fill(covered, at, at + RUN, true);
      }
    }
    long count = 0;
    for (boolean token : covered) {
      count += token ? 1 : 0;
    }
    return count;
  }

  private static List<Integer> run(int[] sequence, int at) {
    return Arrays.stream(sequence, at, at + RUN).boxed().toList();
  }
}
