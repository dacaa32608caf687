package dev.smelt.model.attention;

import dev.smelt.io.Dtype;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.mixer.MixerMemory;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/** Attention with a cache of the keys and values of all tokens so far. */
final class ContinuedAttention implements Mixer {
  private final Attention attention;
  private final MixerMemory memory;
  private Optional<Attention.Memory> cache = Optional.empty();
  private int seen;

  ContinuedAttention(Attention attention, MixerMemory memory) {
    this.attention = attention;
    this.memory = memory;
  }

  @Override
  public Tensor apply(Tensor input) {
    Tensor output = attention.apply(input, seen, this::append);
    seen += (int) input.size(1);
    return output;
  }

  private Attention.Memory append(Tensor keys, Tensor values) {
    if (cache.isEmpty()) {
      cache = Optional.of(new Attention.Memory(buffer(keys), buffer(values)));
    }
    return new Attention.Memory(
        extend(cache.get().keys(), keys), extend(cache.get().values(), values));
  }

  private Tensor buffer(Tensor like) {
    return memory.buffer(wide(like), like.size(0), like.size(1), memory.capacity(), like.size(3));
  }

  /** One query at a time is slow in BF16. */
  private static Dtype wide(Tensor like) {
    return like.dtype().equals(Dtype.BF16) ? Dtype.F32 : like.dtype();
  }

  private Tensor extend(Tensor buffer, Tensor some) {
    Tensor place = buffer.narrow(2, seen, some.size(2));
    place.copyFrom(some);
    return buffer.narrow(2, 0, seen + some.size(2));
  }
}
