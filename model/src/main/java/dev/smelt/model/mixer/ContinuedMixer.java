package dev.smelt.model.mixer;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/** Keeps all inputs and mixes them again with each piece: right for every causal mixer. */
final class ContinuedMixer implements Mixer {
  private final Mixer whole;
  private final MixerMemory memory;
  private Optional<Tensor> inputs = Optional.empty();
  private long seen;

  ContinuedMixer(Mixer whole, MixerMemory memory) {
    this.whole = whole;
    this.memory = memory;
  }

  @Override
  public Tensor apply(Tensor input) {
    long count = input.size(1);
    if (inputs.isEmpty()) {
      inputs =
          Optional.of(
              memory.buffer(input.dtype(), input.size(0), memory.capacity(), input.size(2)));
    }
    Tensor place = inputs.get().narrow(1, seen, count);
    place.copyFrom(input);
    seen += count;
    return whole.apply(inputs.get().narrow(1, 0, seen)).narrow(1, seen - count, count);
  }
}
