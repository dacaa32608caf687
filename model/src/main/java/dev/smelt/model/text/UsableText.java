package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;

/** Documents of at least two tokens: one to see and one to predict. */
final class UsableText {
  static final int SHORTEST = 2;

  private UsableText() {}

  /**
   * Reads the documents of all sources, without those that are too short.
   *
   * @return one list per source, to be modified by the caller
   * @throws SmeltException naming every source that is empty or too short
   */
  static List<List<int[]>> read(List<TextSource> sources, ModelText model) {
    List<List<int[]>> documents = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (TextSource source : sources) {
      List<int[]> all = Documents.read(source, model).stream().map(Document::tokens).toList();
      List<int[]> usable = all.stream().filter(tokens -> tokens.length >= SHORTEST).toList();
      if (usable.isEmpty()) {
        problems.add(tooShort(source, tokens(all)));
      }
      documents.add(usable);
    }
    requireNone(problems);
    return documents;
  }

  static String tooShort(TextSource source, long found) {
    return source.path()
        + ": too short: "
        + found
        + (found == 1 ? " token" : " tokens")
        + " found, a document needs at least "
        + SHORTEST;
  }

  static void requireNone(List<String> problems) {
    if (!problems.isEmpty()) {
      throw SmeltException.all(Fault.CHECKPOINT, problems, "name a longer text, or leave it out");
    }
  }

  static long tokens(List<int[]> documents) {
    return documents.stream().mapToLong(tokens -> tokens.length).sum();
  }

  static int[] concatenate(List<int[]> documents) {
    int[] all = new int[Math.toIntExact(tokens(documents))];
    int end = 0;
    for (int[] tokens : documents) {
      System.arraycopy(tokens, 0, all, end, tokens.length);
      end += tokens.length;
    }
    return all;
  }
}
