package dev.smelt.model.text;

import java.util.Arrays;

/**
 * Token ids that the model sees together; never padded.
 *
 * @param source index of the {@link TextSource} they come from, or {@link #NO_SOURCE}
 * @param tokens at least two ids, in order; not to be modified
 */
public record TokenSequence(int source, int[] tokens) {
  /** In place of an index: the sequence was generated. */
  public static final int NO_SOURCE = -1;

  /** Checks the length. */
  public TokenSequence {
    if (tokens.length < 2) {
      throw new IllegalArgumentException("a sequence of " + tokens.length + " tokens");
    }
  }

  /** How many tokens the sequence has. */
  public int length() {
    return tokens.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenSequence that
        && source == that.source
        && Arrays.equals(tokens, that.tokens);
  }

  @Override
  public int hashCode() {
    return 31 * source + Arrays.hashCode(tokens);
  }
}
