package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The slots (token, choice) of a batch in the order of their experts, and within an expert of their
 * tokens.
 *
 * @param offsets expert e has the places offsets[e] up to offsets[e+1]
 * @param slots slot of each place, I64, [n * k]; slot s belongs to token s / k
 * @param places place of each slot, I64, [n * k]
 */
record SlotOrder(long[] offsets, Tensor slots, Tensor places) {
  /** The order for choices [n, k] among so many rows of a router. */
  static SlotOrder of(Tensor choices, int rows) {
    long[] chosen = choices.reshape(-1).toLongs();
    long[] offsets = new long[rows + 1];
    for (long expert : chosen) {
      offsets[(int) expert + 1]++;
    }
    Arrays.parallelPrefix(offsets, Long::sum);
    long[] next = Arrays.copyOf(offsets, rows);
    long[] slots = new long[chosen.length];
    long[] places = new long[chosen.length];
    for (int slot = 0; slot < chosen.length; slot++) {
      long place = next[(int) chosen[slot]]++;
      slots[(int) place] = slot;
      places[slot] = place;
    }
    return new SlotOrder(
        offsets, Tensors.ofLongs(slots, slots.length), Tensors.ofLongs(places, places.length));
  }

  /** How many places an expert has. */
  long count(int expert) {
    return offsets[expert + 1] - offsets[expert];
  }

  /** The experts that have places, the one with most places first. */
  int[] busiestFirst(int experts) {
    return IntStream.range(0, experts)
        .filter(e -> count(e) > 0)
        .boxed()
        .sorted((a, b) -> Long.compare(count(b), count(a)))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
