package dev.smelt.merge.alignment;

import java.util.Arrays;

/** A binary heap of the numbers 0 .. n-1 by key, then by number, whose keys can be lowered. */
final class IndexedHeap {
  private static final int ABSENT = -1;

  private final int[] heap;
  private final int[] position;
  private final double[] keys;
  private int size;

  IndexedHeap(int n) {
    heap = new int[n];
    position = new int[n];
    keys = new double[n];
    Arrays.fill(position, ABSENT);
  }

  /** The smallest key, or infinity when the heap is empty. */
  double smallestKey() {
    return size == 0 ? Double.POSITIVE_INFINITY : keys[heap[0]];
  }

  /** Adds an element, or lowers its key. */
  void put(int element, double key) {
    keys[element] = key;
    int hole = position[element] == ABSENT ? size++ : position[element];
    while (hole > 0) {
      int parent = (hole - 1) >>> 1;
      if (!precedes(element, heap[parent])) {
        break;
      }
      place(heap[parent], hole);
      hole = parent;
    }
    place(element, hole);
  }

  /** Removes the element with the smallest key; the heap must not be empty. */
  int pop() {
    int top = heap[0];
    position[top] = ABSENT;
    int moved = heap[--size];
    if (size > 0) {
      sink(moved);
    }
    return top;
  }

  void clear() {
    for (int k = 0; k < size; k++) {
      position[heap[k]] = ABSENT;
    }
    size = 0;
  }

  private void sink(int element) {
    int hole = 0;
    for (int child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && precedes(heap[child + 1], heap[child])) {
        child++;
      }
      if (!precedes(heap[child], element)) {
        break;
      }
      place(heap[child], hole);
      hole = child;
    }
    place(element, hole);
  }

  private void place(int element, int at) {
    heap[at] = element;
    position[element] = at;
  }

  private boolean precedes(int a, int b) {
    return keys[a] < keys[b] || (keys[a] == keys[b] && a < b);
  }
}
