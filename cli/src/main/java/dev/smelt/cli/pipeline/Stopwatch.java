package dev.smelt.cli.pipeline;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Supplier;

/** Seconds of wall time by stage, in the order of the stages. */
public final class Stopwatch {
  private final SequencedMap<String, Double> seconds = new LinkedHashMap<>();

  /** Runs a stage and notes its time. */
  public <T> T time(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    seconds.merge(stage, (System.nanoTime() - start) / 1e9, Double::sum);
    return result;
  }

  /** The stages so far. */
  public SequencedMap<String, Double> seconds() {
    return Collections.unmodifiableSequencedMap(seconds);
  }
}
