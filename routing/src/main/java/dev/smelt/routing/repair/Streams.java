package dev.smelt.routing.repair;

import dev.smelt.model.HiddenStates;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The same tokens in two models.
 *
 * @param original in the original model; absent if nothing is compared with it
 * @param reduced in the model that is reduced or trained
 */
record Streams(Optional<HiddenStates> original, HiddenStates reduced) implements AutoCloseable {
  /** Those that are there, by the name under which they are stored. */
  SequencedMap<String, HiddenStates> byName() {
    SequencedMap<String, HiddenStates> streams = new LinkedHashMap<>();
    original.ifPresent(states -> streams.put("original", states));
    streams.put("reduced", reduced);
    return streams;
  }

  @Override
  public void close() {
    byName().values().forEach(HiddenStates::close);
  }
}
