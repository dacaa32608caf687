package dev.smelt.model.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Cuts documents into windows at random places, and draws some of them.
 *
 * <p>A document of n tokens gives floor(n / L) windows of L tokens that do not overlap; the n mod L
 * tokens that are left over are spread at random before, between and after them, so every token can
 * be drawn. A shorter document is one window. Drawing is a partial Fisher-Yates shuffle.
 */
final class WindowSampler {
  /** A stretch of a document. */
  record Window(int document, int start, int length) {
    int[] of(List<int[]> documents) {
      return Arrays.copyOfRange(documents.get(document), start, start + length);
    }
  }

  private final SplittableRandom random;
  private final List<Window> windows = new ArrayList<>();

  /**
   * Cuts all documents.
   *
   * @param documents token ids, each of at least two
   * @param length tokens per window at most
   */
  WindowSampler(List<int[]> documents, int length, SplittableRandom random) {
    this.random = random;
    for (int document = 0; document < documents.size(); document++) {
      cut(document, documents.get(document).length, length);
    }
  }

  private void cut(int document, int tokens, int length) {
    if (tokens <= length) {
      windows.add(new Window(document, 0, tokens));
      return;
    }
    int count = tokens / length;
    int spare = tokens % length;
    int[] before = random.ints(count, 0, spare + 1).sorted().toArray();
    for (int i = 0; i < count; i++) {
      windows.add(new Window(document, i * length + before[i], length));
    }
  }

  /** How many windows there are to draw from. */
  int size() {
    return windows.size();
  }

  /** Draws without replacement; the result is in the order of the text. */
  List<Window> draw(int count) {
    for (int i = 0; i < count; i++) {
      Collections.swap(windows, i, random.nextInt(i, windows.size()));
    }
    return windows.subList(0, count).stream()
        .sorted(Comparator.comparingInt(Window::document).thenComparingInt(Window::start))
        .toList();
  }
}
