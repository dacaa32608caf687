package dev.smelt.model.text;

import dev.smelt.io.SmeltException;

/** Checks that token ids are rows of the model's embedding. */
final class Vocabulary {
  private Vocabulary() {}

  /** The id as an int, if the model has it. */
  static int check(long id, int vocabulary, String where, int position) {
    if (id < 0 || id >= vocabulary) {
      throw SmeltException.checkpoint(
          where
              + ": token id "
              + id
              + " at position "
              + position
              + ", but the model's vocabulary is 0 to "
              + (vocabulary - 1),
          "use the tokenizer and the token ids that belong to this checkpoint");
    }
    return (int) id;
  }

  static int[] check(int[] ids, int vocabulary, String where) {
    for (int i = 0; i < ids.length; i++) {
      check(ids[i], vocabulary, where, i);
    }
    return ids;
  }
}
