package dev.smelt.model;

import java.lang.foreign.MemorySegment;

/** Decodes rows of a matrix one after the other, on one thread; it may keep buffers. */
@FunctionalInterface
interface RowDecoder {
  /**
   * Decodes a row.
   *
   * @param row its number
   * @param codes its bytes
   * @param target takes its values
   */
  void decode(int row, MemorySegment codes, MemorySegment target);
}
