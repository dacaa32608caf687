package dev.smelt.cli.pipeline;

import dev.smelt.compress.CompressionMethod;
import dev.smelt.compress.GivenOptions;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * How experts are to be compressed.
 *
 * @param method the method
 * @param options what it was given
 * @param sequential whether a layer is calibrated on what the changed layers before it produce
 * @param materialize whether the output is in stock form though it is not smaller
 */
public record CompressionRequest(
    CompressionMethod method, GivenOptions options, boolean sequential, boolean materialize) {
  /** All options under their names on the command line; flags are {@code true}. */
  public SequencedMap<String, Object> named() {
    SequencedMap<String, Object> named = new LinkedHashMap<>(options.values());
    if (sequential) {
      named.put("sequential", true);
    }
    if (materialize) {
      named.put("materialize", true);
    }
    return named;
  }
}
