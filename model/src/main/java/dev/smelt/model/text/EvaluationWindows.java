package dev.smelt.model.text;

import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A file as the windows that a model is evaluated on, each on its own.
 *
 * <p>A text is tokenized whole, without special tokens, and cut into consecutive windows; a last
 * one of at least two tokens counts. Every line of a .jsonl is such a text. Rows of an id array of
 * two dimensions are windows as they are; an array of one dimension is cut like a text.
 *
 * @param source the file
 * @param windows token ids, at least two each, in the order of the file; not to be modified
 */
public record EvaluationWindows(TextSource source, List<int[]> windows) {
  /** Copies the list. */
  public EvaluationWindows {
    windows = List.copyOf(windows);
  }

  /**
   * Reads all files.
   *
   * @param length tokens per window, at least 2
   * @throws SmeltException if a file cannot be read, or holds no window
   */
  public static List<EvaluationWindows> read(
      List<TextSource> sources, int length, ModelText model) {
    if (length < UsableText.SHORTEST) {
      throw SmeltException.usage(
          "evaluation: windows of " + length + " tokens, expected at least 2", "see --length");
    }
    List<EvaluationWindows> files = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (TextSource source : sources) {
      List<Document> documents = Documents.read(source, model);
      List<int[]> windows = new ArrayList<>();
      documents.forEach(document -> cut(document, length, windows));
      if (windows.isEmpty()) {
        long found = documents.stream().mapToLong(document -> document.tokens().length).sum();
        problems.add(UsableText.tooShort(source, found));
      }
      files.add(new EvaluationWindows(source, windows));
    }
    UsableText.requireNone(problems);
    return List.copyOf(files);
  }

  private static void cut(Document document, int length, List<int[]> windows) {
    int[] tokens = document.tokens();
    int step = document.window() ? Math.max(1, tokens.length) : length;
    for (int start = 0; start + UsableText.SHORTEST <= tokens.length; start += step) {
      windows.add(Arrays.copyOfRange(tokens, start, Math.min(start + step, tokens.length)));
    }
  }

  /** How many tokens the model predicts: all but the first of every window. */
  public long predictedTokens() {
    return windows.stream().mapToLong(window -> window.length - 1L).sum();
  }
}
