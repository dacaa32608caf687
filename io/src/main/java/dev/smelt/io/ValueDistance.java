package dev.smelt.io;

import java.lang.foreign.MemorySegment;

/** Measures how far two arrays of floating values are apart, chunk by chunk. */
final class ValueDistance {
  private static final int CHUNK = 8192;

  private ValueDistance() {}

  /** Compares as many elements as the first has; both must have the same number. */
  static Diff.Change between(Dtype typeA, MemorySegment a, Dtype typeB, MemorySegment b) {
    double[] x = new double[CHUNK];
    double[] y = new double[CHUNK];
    FloatDecoder decodeA = FloatDecoder.of(typeA);
    FloatDecoder decodeB = FloatDecoder.of(typeB);
    long elements = a.byteSize() / typeA.bytes();
    double squares = 0;
    double squaredDifferences = 0;
    double largest = 0;
    for (long at = 0; at < elements; at += CHUNK) {
      int count = (int) Math.min(CHUNK, elements - at);
      decodeA.decode(a, at, x, count);
      decodeB.decode(b, at, y, count);
      for (int i = 0; i < count; i++) {
        double difference = x[i] - y[i];
        squares += x[i] * x[i];
        squaredDifferences += difference * difference;
        largest = Math.max(largest, Math.abs(difference));
      }
    }
    double relative =
        squaredDifferences == 0 ? 0 : Math.sqrt(squaredDifferences) / Math.sqrt(squares);
    return new Diff.Change(relative, largest);
  }
}
