package dev.smelt.routing.repair;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Which tokens a repair learns from, and which only judge it.
 *
 * @param training indices of the tokens to learn from, ascending
 * @param heldOut indices of the others, ascending
 */
public record TokenSplit(int[] training, int[] heldOut) {
  /** One sequence in so many is held out. */
  private static final int ONE_IN = 8;

  /**
   * Holds out an eighth of the sequences, at least one; tokens of one sequence resemble each other,
   * so they stay together. A single sequence is cut: its last eighth is held out.
   *
   * @param lengths tokens of each sequence; tokens are numbered through all sequences in order
   * @param seed decides which sequences
   */
  public static TokenSplit draw(List<Integer> lengths, long seed) {
    int tokens = lengths.stream().mapToInt(Integer::intValue).sum();
    if (lengths.size() < 2) {
      int cut = tokens - Math.max(tokens / ONE_IN, Math.min(1, tokens - 1));
      return new TokenSplit(
          IntStream.range(0, cut).toArray(), IntStream.range(cut, tokens).toArray());
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, lengths.size()).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    boolean[] held = new boolean[lengths.size()];
    for (int i = 0; i < Math.max(1, lengths.size() / ONE_IN); i++) {
      held[order.get(i)] = true;
    }
    IntStream.Builder training = IntStream.builder();
    IntStream.Builder heldOut = IntStream.builder();
    int token = 0;
    for (int s = 0; s < lengths.size(); s++) {
      for (int t = 0; t < lengths.get(s); t++) {
        (held[s] ? heldOut : training).add(token++);
      }
    }
    return new TokenSplit(training.build().toArray(), heldOut.build().toArray());
  }

  /**
   * Holds out the last sequences.
   *
   * @param lengths tokens of each sequence
   * @param count how many sequences, fewer than there are
   */
  public static TokenSplit last(List<Integer> lengths, int count) {
    int tokens = lengths.stream().mapToInt(Integer::intValue).sum();
    int cut = lengths.subList(0, lengths.size() - count).stream().mapToInt(Integer::intValue).sum();
    return new TokenSplit(
        IntStream.range(0, cut).toArray(), IntStream.range(cut, tokens).toArray());
  }

  /**
   * What of each sequence is there to learn from, in order; sequences of which nothing is are left
   * out.
   *
   * @param sequences those that were split
   */
  public List<int[]> training(List<int[]> sequences) {
    List<int[]> parts = new ArrayList<>();
    int start = 0;
    int next = 0;
    for (int[] sequence : sequences) {
      int first = next;
      while (next < training.length && training[next] < start + sequence.length) {
        next++;
      }
      if (next > first) {
        int shift = start;
        parts.add(Arrays.stream(training, first, next).map(t -> sequence[t - shift]).toArray());
      }
      start += sequence.length;
    }
    return parts;
  }

  /** The number of all tokens. */
  public int tokens() {
    return training.length + heldOut.length;
  }
}
