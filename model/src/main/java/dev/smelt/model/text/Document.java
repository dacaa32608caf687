package dev.smelt.model.text;

import java.util.Arrays;

/**
 * A text that belongs together, as token ids.
 *
 * @param source where it comes from: the file, with {@code :line} for a line and {@code [row]} for
 *     a row of an id array
 * @param tokens the ids, in order; not to be modified
 * @param window whether it is a row that somebody has already cut, which evaluation takes as it is
 */
public record Document(String source, int[] tokens, boolean window) {
  @Override
  public boolean equals(Object other) {
    return other instanceof Document that
        && source.equals(that.source)
        && Arrays.equals(tokens, that.tokens)
        && window == that.window;
  }

  @Override
  public int hashCode() {
    return 31 * source.hashCode() + Arrays.hashCode(tokens);
  }
}
