package dev.smelt.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What each of the 256 bytes stands for: the bits of one or more values, ready to be written. */
@FunctionalInterface
interface ByteTable {
  /** Decodes {@code codes[from]} up to {@code codes[to - 1]} to the start of the target. */
  void decode(byte[] codes, int from, int to, MemorySegment target);

  /** A byte is one value of two bytes. */
  static ByteTable ofShorts(short[] bits) {
    return (codes, from, to, target) -> {
      for (int i = from; i < to; i++) {
        target.setAtIndex(ValueLayout.JAVA_SHORT, i - from, bits[codes[i] & 0xFF]);
      }
    };
  }

  /** A byte is one value of four bytes, or two of two. */
  static ByteTable ofInts(int[] bits) {
    return (codes, from, to, target) -> {
      for (int i = from; i < to; i++) {
        target.setAtIndex(ValueLayout.JAVA_INT, i - from, bits[codes[i] & 0xFF]);
      }
    };
  }

  /** A byte is two values of four bytes. */
  static ByteTable ofLongs(long[] bits) {
    return (codes, from, to, target) -> {
      for (int i = from; i < to; i++) {
        target.setAtIndex(ValueLayout.JAVA_LONG, i - from, bits[codes[i] & 0xFF]);
      }
    };
  }
}
