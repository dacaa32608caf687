package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A matrix whose values are codes in bytes, with a scale for each block. A block's table holds the
 * scaled values, so that decoding looks up and writes, and calculates nothing.
 *
 * @param codes the rows one after the other, equally many bytes each
 * @param rows number of rows
 * @param columns values in each row
 * @param block bytes of a row that share a table; the last block of a row may be shorter
 */
record CodedMatrix(MemorySegment codes, long rows, long columns, int block) {
  /** Rows that a thread decodes before it asks for more. */
  private static final int BAND = 64;

  /** The table of a block. */
  @FunctionalInterface
  interface Tables {
    /** The table of the block with this number in its row; used by several threads at once. */
    ByteTable of(int row, int block);
  }

  /** The type that tables must write so that values become this type: BF16 or F32. */
  static Dtype written(Dtype type) {
    return type.equals(Dtype.BF16) ? Dtype.BF16 : Dtype.F32;
  }

  /** The matrix, [rows, columns], from tables that write values of {@link #written}. */
  Tensor decode(Dtype type, Tables tables) {
    Tensor matrix = Tensors.empty(written(type), rows, columns);
    MemorySegment target = matrix.memory();
    int bands = Math.toIntExact(Math.ceilDiv(rows, BAND));
    Parallel.forEach(bands, band -> decodeBand(band, tables, target));
    return matrix.to(type);
  }

  private void decodeBand(int band, Tables tables, MemorySegment target) {
    int last = (int) Math.min(rows, (band + 1L) * BAND);
    byte[] line = new byte[Math.toIntExact(codes.byteSize() / rows)];
    long written = target.byteSize() / rows;
    long unit = written / line.length;
    for (int row = band * BAND; row < last; row++) {
      long start = (long) row * line.length;
      MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, start, line, 0, line.length);
      for (int from = 0; from < line.length; from += block) {
        int to = Math.min(line.length, from + block);
        tables
            .of(row, from / block)
            .decode(line, from, to, target.asSlice(row * written + from * unit));
      }
    }
  }
}
