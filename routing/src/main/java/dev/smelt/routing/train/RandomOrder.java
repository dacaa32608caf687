package dev.smelt.routing.train;

import java.util.Arrays;
import java.util.Random;

/**
 * A walk through all items in random order, again and again, in batches of one size; what is left
 * at the end of a round and fills no batch is left out.
 */
public final class RandomOrder {
  private final int[] items;
  private final int batch;
  private final Random random;
  private int next;

  /**
   * Begins a walk.
   *
   * @param items what is walked through; copied
   * @param batch items of a batch; all of them if there are fewer
   * @param seed decides the order
   */
  public RandomOrder(int[] items, int batch, long seed) {
    this.items = items.clone();
    this.batch = batch;
    random = new Random(seed);
    next = items.length;
  }

  /** The next batch, ascending. */
  public int[] next() {
    if (next + batch > items.length) {
      shuffle();
      next = 0;
    }
    int to = Math.min(items.length, next + batch);
    int[] some = Arrays.copyOfRange(items, next, to);
    next = to;
    Arrays.sort(some);
    return some;
  }

  /** Leaves batches out. */
  public void skip(int batches) {
    for (int i = 0; i < batches; i++) {
      next();
    }
  }

  private void shuffle() {
    for (int i = items.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int item = items[i];
      items[i] = items[j];
      items[j] = item;
    }
  }
}
