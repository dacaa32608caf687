package dev.smelt.unlearn.training;

import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Sequences to train on, and others to decide by.
 *
 * @param training token ids of at least one sequence
 * @param heldOut token ids of at least one other sequence
 */
public record SequenceSplit(List<int[]> training, List<int[]> heldOut) {
  /** One sequence of so many is held out. */
  private static final int EVERY = 8;

  private static final int MOST_HELD_OUT = 32;

  /** Copies the lists. */
  public SequenceSplit {
    training = List.copyOf(training);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * Holds out an eighth of the sequences, at least one and at most 32, at random.
   *
   * @param name of the set, for messages
   * @param sequences token ids
   * @param seed of the choice
   * @throws SmeltException if there are fewer than two sequences
   */
  public static SequenceSplit of(String name, List<int[]> sequences, long seed) {
    if (sequences.size() < 2) {
      int tokens = sequences.stream().mapToInt(s -> s.length).sum();
      throw SmeltException.checkpoint(
          "the %s gives %d sequence of %d tokens, expected at least 2: one to train on, one held out"
              .formatted(name, sequences.size(), tokens),
          "give more text, or a smaller --length");
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(seed));
    int count = Math.clamp(sequences.size() / EVERY, 1, MOST_HELD_OUT);
    List<Integer> held = order.subList(0, count).stream().sorted().toList();
    List<Integer> rest = order.subList(count, order.size()).stream().sorted().toList();
    return new SequenceSplit(
        rest.stream().map(sequences::get).toList(), held.stream().map(sequences::get).toList());
  }
}
