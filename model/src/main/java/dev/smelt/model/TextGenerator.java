package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.mixer.MixerMemory;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Continues token sequences, a token at a time. Attention keeps keys and values of the tokens so
 * far; other mixers keep their inputs.
 *
 * <p>All layers are open at once: mapped from disk where the compute type is the stored type, else
 * in memory.
 */
public final class TextGenerator implements AutoCloseable {
  private final Scope scope = Scope.open();
  private final MoeModel model;
  private final Dtype compute;
  private final TokenChoice choice;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final LanguageHead head;

  /**
   * Opens all layers of a model, which must stay open.
   *
   * @param choice of each next token
   */
  public TextGenerator(MoeModel model, Dtype compute, TokenChoice choice) {
    this.model = model;
    this.compute = compute;
    this.choice = choice;
    for (int l = 0; l < model.architecture().layers(); l++) {
      layers.add(model.layer(l, compute));
    }
    head = model.head(compute);
  }

  /**
   * Continues prompts.
   *
   * @param prompts token ids, all of one length
   * @param tokens tokens to add to each
   * @return the added tokens, in the order of the prompts
   */
  public List<int[]> after(List<int[]> prompts, int tokens) {
    return after(prompts, tokens, () -> {});
  }

  /**
   * Continues prompts.
   *
   * @param prompts token ids, all of one length
   * @param tokens tokens to add to each
   * @param stepped is called when each prompt has got one more
   * @return the added tokens, in the order of the prompts
   */
  public List<int[]> after(List<int[]> prompts, int tokens, Runnable stepped) {
    int length = prompts.getFirst().length;
    if (length == 0 || prompts.stream().anyMatch(prompt -> prompt.length != length)) {
      throw new IllegalArgumentException("prompts must be of one length, at least 1");
    }
    List<int[]> added = prompts.stream().map(_ -> new int[tokens]).toList();
    try (var memory = new MixerMemory(length + tokens)) {
      List<DecoderLayer> running = layers.stream().map(l -> l.continuing(memory)).toList();
      List<int[]> piece = prompts;
      for (int i = 0; i < tokens; i++) {
        int[] next = next(running, new TokenBatch(piece));
        for (int b = 0; b < next.length; b++) {
          added.get(b)[i] = next[b];
        }
        piece = Arrays.stream(next).mapToObj(id -> new int[] {id}).toList();
        stepped.run();
      }
    }
    return added;
  }

  /** Bytes of what is kept of one sequence of so many tokens. */
  public long bytesPerSequence(int tokens) {
    try (var memory = new MixerMemory(tokens)) {
      List<DecoderLayer> running = layers.stream().map(l -> l.continuing(memory)).toList();
      next(running, new TokenBatch(List.of(new int[1])));
      return memory.bytes();
    }
  }

  private int[] next(List<DecoderLayer> running, TokenBatch batch) {
    try (var _ = Scope.open()) {
      Tensor hidden = model.embed(batch.ids(), compute);
      for (DecoderLayer layer : running) {
        hidden = layer.apply(hidden, batch, MoeObserver.NONE);
      }
      Tensor last = hidden.select(1, hidden.size(1) - 1);
      return choice.of(head.logits(last));
    }
  }

  @Override
  public void close() {
    scope.close();
  }
}
