package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/**
 * A matrix of codes that are not bigger than a byte.
 *
 * @param codes the rows one after the other, equally many bytes each
 * @param rows number of rows
 * @param columns values in each row
 */
record CodedMatrix(MemorySegment codes, long rows, int columns) {
  /** Rows that a thread decodes before it asks for more. */
  private static final int BAND = 64;

  /** The type that decoders must write so that values become this type: BF16 or F32. */
  static Dtype written(Dtype type) {
    return type.equals(Dtype.BF16) ? Dtype.BF16 : Dtype.F32;
  }

  /** The matrix, [rows, columns], by decoders that write {@link #written}, one for each band. */
  Tensor decode(Dtype type, Supplier<RowDecoder> decoders) {
    Tensor matrix = Tensors.empty(written(type), rows, columns);
    MemorySegment target = matrix.memory();
    int bands = Math.toIntExact(Math.ceilDiv(rows, BAND));
    Parallel.forEach(bands, band -> decodeBand(band, decoders.get(), target));
    return matrix.to(type);
  }

  private void decodeBand(int band, RowDecoder decoder, MemorySegment target) {
    int last = (int) Math.min(rows, (band + 1L) * BAND);
    for (int row = band * BAND; row < last; row++) {
      decoder.decode(row, part(codes, row), part(target, row));
    }
  }

  private MemorySegment part(MemorySegment matrix, long row) {
    long size = matrix.byteSize() / rows;
    return matrix.asSlice(row * size, size);
  }

  /** A copy with more columns of a byte each; what they hold does not matter. */
  CodedMatrix padded(int wide) {
    MemorySegment copy = Arena.ofAuto().allocate(rows * wide);
    for (long row = 0; row < rows; row++) {
      MemorySegment.copy(part(codes, row), 0, copy, row * wide, columns);
    }
    return new CodedMatrix(copy, rows, wide);
  }
}
