package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Progress;
import dev.smelt.cli.console.Units;
import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TextGenerator;
import dev.smelt.model.TokenChoice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Sequences that a model writes itself, as calibration text: it knows more of what it was trained
 * on than the user may have at hand. Each begins with a token of the user's text and goes on with
 * tokens drawn from what the model predicts, at temperature 1, whole distribution.
 *
 * <p>The idea is that of LLM-QAT (arXiv 2305.17888) and of self-calibration (arXiv 2410.17170). All
 * layers are open at once: mapped from disk where the compute type is the stored type, else in
 * memory.
 *
 * @param count of sequences
 * @param length tokens of each, at least 2
 */
public record SelfGeneratedText(int count, int length) {
  /** Bound on the bytes of the keys and values that are kept. */
  private static final long MEMORY = 2L << 30;

  private static final int MOST_TOGETHER = 256;

  /** Weights that are opened at once without being asked for. */
  private static final long USUAL_WEIGHTS = 4L << 30;

  /** So many sequences for each one that is drawn from the user's text. */
  private static final int USUAL_SHARE = 3;

  /**
   * How many sequences help a repair at a price that nobody minds: none where all layers together
   * are large.
   *
   * @param sequences how many are drawn from the user's text
   */
  public static int usual(Session session, int sequences) {
    long bytes = session.compute().bytes() * values(session.model());
    if (bytes <= USUAL_WEIGHTS) {
      return Math.multiplyExact(USUAL_SHARE, sequences);
    }
    session
        .console()
        .info(
            "no self-generated text: the weights take %s; --self-generated N asks for it"
                .formatted(Units.bytes(bytes)));
    return 0;
  }

  /** The values of all weights; a byte of a quantised tensor may hold two. */
  private static long values(MoeModel model) {
    return model.decoderTensors().stream()
        .mapToLong(t -> t.dtype().bytes() == 1 ? 2 * t.bytes() : t.info().elements())
        .sum();
  }

  /**
   * Lets a model write.
   *
   * @param session whose compute type, seed and console are used
   * @param model that writes
   * @param given sequences whose tokens the new ones begin with
   */
  List<int[]> by(Session session, MoeModel model, List<int[]> given) {
    requireDecoder(model);
    SplittableRandom random = new SplittableRandom(session.seed());
    List<int[]> sequences = new ArrayList<>();
    TokenChoice choice = TokenChoice.drawn(random.nextLong());
    long tokens = (long) count * (length - 1);
    try (var generator = new TextGenerator(model, session.compute(), choice);
        Progress progress = Progress.start(session.console(), "generating", tokens, "tokens")) {
      long together = Math.clamp(MEMORY / generator.bytesPerSequence(length), 1, MOST_TOGETHER);
      while (sequences.size() < count) {
        int some = (int) Math.min(together, count - sequences.size());
        List<int[]> prompts = first(given, some, random);
        sequences.addAll(generated(generator, prompts, () -> progress.advance(some)));
      }
    }
    return sequences;
  }

  private static void requireDecoder(MoeModel model) {
    if (model.architecture().isEncoderDecoder()) {
      throw SmeltException.unsupported(
          model.checkpoint().directory() + ": an encoder-decoder cannot write text of its own",
          "leave out --self-generated");
    }
  }

  private List<int[]> generated(TextGenerator generator, List<int[]> prompts, Runnable stepped) {
    List<int[]> added = generator.after(prompts, length - 1, stepped);
    List<int[]> whole = new ArrayList<>();
    for (int b = 0; b < added.size(); b++) {
      IntStream prompt = IntStream.of(prompts.get(b));
      whole.add(IntStream.concat(prompt, IntStream.of(added.get(b))).toArray());
    }
    return whole;
  }

  private static List<int[]> first(List<int[]> given, int count, SplittableRandom random) {
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] sequence = given.get(random.nextInt(given.size()));
      prompts.add(new int[] {sequence[random.nextInt(sequence.length)]});
    }
    return prompts;
  }
}
