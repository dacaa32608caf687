package dev.smelt.model.attention;

import dev.smelt.io.SmeltException;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.mixer.MixerMemory;
import dev.smelt.model.tensor.Tensor;

/**
 * Sparse attention that sees everything as long as sequences are short; longer ones are refused.
 *
 * @param attention what it is up to that length
 * @param limit the length in tokens
 */
public record LimitedAttention(Mixer attention, long limit) implements Mixer {
  @Override
  public Tensor apply(Tensor input) {
    requireShort(input.size(1));
    return attention.apply(input);
  }

  @Override
  public Mixer continuing(MixerMemory memory) {
    requireShort(memory.capacity());
    return attention.continuing(memory);
  }

  private void requireShort(long tokens) {
    if (tokens > limit) {
      throw SmeltException.unsupported(
          "a sequence of " + tokens + " tokens needs sparse attention, which is not supported",
          "use sequences of at most " + limit + " tokens");
    }
  }
}
