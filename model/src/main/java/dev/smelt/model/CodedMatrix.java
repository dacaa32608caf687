package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix of FP8 or FP4 numbers in which neighbours share a scale.
 *
 * @param codes the rows one after the other, equally many bytes each
 * @param rows number of rows
 * @param columns numbers in each row
 * @param format what a code stands for
 * @param height rows, one below the other from the first row on, that have the same scales
 */
record CodedMatrix(
    MemorySegment codes, long rows, int columns, RowDecoder.Format format, int height) {
  /** Rows that a thread decodes before it asks for more. */
  private static final int BAND = 64;

  /** The scales of a matrix. */
  @FunctionalInterface
  interface Scales {
    /** Writes the scale of each number of a row; used by several threads at once. */
    void of(int row, float[] target);
  }

  /** Each number times its scale in F32, from there rounded to the type: [rows, columns]. */
  Tensor decode(Dtype type, Scales scales) {
    if (columns % RowDecoder.UNIT != 0) {
      return padded().decode(type, scales).narrow(1, 0, columns).contiguous();
    }
    boolean half = type.equals(Dtype.BF16);
    Tensor matrix = Tensors.empty(half ? Dtype.BF16 : Dtype.F32, rows, columns);
    MemorySegment target = matrix.memory();
    int bands = Math.toIntExact(Math.ceilDiv(rows, BAND));
    Parallel.forEach(bands, band -> decodeBand(band, scales, target, half));
    return matrix.to(type);
  }

  private void decodeBand(int band, Scales scales, MemorySegment target, boolean half) {
    var decoder = new RowDecoder(format, columns);
    float[] factors = new float[columns];
    int first = band * BAND;
    int last = (int) Math.min(rows, (band + 1L) * BAND);
    for (int row = first; row < last; row++) {
      if (row == first || row % height == 0) {
        scales.of(row, factors);
      }
      if (half) {
        decoder.decodeRounded(part(codes, row), factors, part(target, row));
      } else {
        decoder.decode(part(codes, row), factors, part(target, row));
      }
    }
  }

  private MemorySegment part(MemorySegment matrix, long row) {
    long size = matrix.byteSize() / rows;
    return matrix.asSlice(row * size, size);
  }

  /** The same matrix with columns added, of any value, so that its decoder takes it. */
  private CodedMatrix padded() {
    int wide = Math.ceilDiv(columns, RowDecoder.UNIT) * RowDecoder.UNIT;
    MemorySegment copy = Arena.ofAuto().allocate(rows * wide);
    for (long row = 0; row < rows; row++) {
      MemorySegment.copy(part(codes, row), 0, copy, row * wide, columns);
    }
    return new CodedMatrix(copy, rows, wide, format, height);
  }
}
