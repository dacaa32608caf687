package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TextGenerator;
import dev.smelt.model.TokenChoice;
import dev.smelt.model.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Beginnings of sequences, continued greedily and compared with how the sequences go on. */
public final class Continuations {
  /** Tokens of a continuation unless sequences are shorter. */
  public static final int TOKENS = 200;

  private static final int BATCH = 16;

  private Continuations() {}

  /**
   * A continuation.
   *
   * @param prompt the beginning
   * @param expected how the sequence goes on
   * @param found how the model goes on
   * @param recall ROUGE-L recall of what is expected
   */
  public record Continuation(String prompt, String expected, String found, double recall) {}

  /**
   * Continues sequences after their first half, or after so much that 200 tokens are left.
   *
   * @param sequences token ids; only those of the length of the first one are continued
   * @param most sequences at most
   */
  public static List<Continuation> of(
      MoeModel model, Dtype compute, TextTokenizer tokenizer, List<int[]> sequences, int most) {
    int length = sequences.getFirst().length;
    int prompt = Math.max(length - TOKENS, (length + 1) / 2);
    List<int[]> chosen =
        sequences.stream().filter(s -> s.length == length && length > prompt).limit(most).toList();
    List<Continuation> continuations = new ArrayList<>();
    try (TextGenerator greedy = new TextGenerator(model, compute, TokenChoice.likeliest())) {
      for (int from = 0; from < chosen.size(); from += BATCH) {
        List<int[]> batch = chosen.subList(from, Math.min(chosen.size(), from + BATCH));
        List<int[]> prompts = batch.stream().map(s -> Arrays.copyOf(s, prompt)).toList();
        List<int[]> added = greedy.after(prompts, length - prompt);
        for (int b = 0; b < batch.size(); b++) {
          int[] rest = Arrays.copyOfRange(batch.get(b), prompt, length);
          continuations.add(continuation(tokenizer, prompts.get(b), rest, added.get(b)));
        }
      }
    }
    return List.copyOf(continuations);
  }

  private static Continuation continuation(
      TextTokenizer tokenizer, int[] prompt, int[] rest, int[] added) {
    String expected = tokenizer.decode(rest);
    String found = tokenizer.decode(added);
    return new Continuation(
        tokenizer.decode(prompt), expected, found, Rouge.recall(expected, found));
  }

  /** Mean recall. */
  public static double recall(List<Continuation> continuations) {
    return continuations.stream().mapToDouble(Continuation::recall).average().orElse(Double.NaN);
  }
}
