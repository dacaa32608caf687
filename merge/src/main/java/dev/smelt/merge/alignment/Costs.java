package dev.smelt.merge.alignment;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A square table of finite float32 costs, one Java array per row, so that no index exceeds 31 bits
 * however large the table is (n = 16384 takes 1 GiB).
 */
public final class Costs {
  private static final ValueLayout.OfFloat LITTLE_ENDIAN_FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final float[][] rows;

  private Costs(float[][] rows) {
    this.rows = rows;
  }

  /**
   * Takes a table as it is, without a copy: the caller must not change the rows afterwards.
   *
   * @param rows n rows of n finite values
   * @throws SmeltException naming the row and column of the first value that is not finite, or the
   *     row that has another length than there are rows
   */
  public static Costs of(float[][] rows) {
    for (int i = 0; i < rows.length; i++) {
      check(rows[i], i, rows.length);
    }
    return new Costs(rows);
  }

  /**
   * Copies a table out of native memory.
   *
   * @param values n * n little-endian float32 values, row by row; only read during this call
   * @param n the number of rows and of columns
   * @throws SmeltException if the segment has another size, or a value is not finite
   */
  public static Costs of(MemorySegment values, int n) {
    long rowBytes = (long) n * Float.BYTES;
    if (values.byteSize() != n * rowBytes) {
      throw broken(
          "Cost matrix %d x %d needs %d bytes, found %d"
              .formatted(n, n, n * rowBytes, values.byteSize()));
    }
    float[][] rows = new float[n][n];
    for (int i = 0; i < n; i++) {
      MemorySegment.copy(values, LITTLE_ENDIAN_FLOAT, i * rowBytes, rows[i], 0, n);
      check(rows[i], i, n);
    }
    return new Costs(rows);
  }

  /** The number of rows, which is the number of columns. */
  public int size() {
    return rows.length;
  }

  /** The cost of giving a column to a row. */
  public float at(int row, int column) {
    return rows[row][column];
  }

  /** One row, not a copy: for reading only. */
  float[] row(int row) {
    return rows[row];
  }

  private static void check(float[] row, int index, int n) {
    if (row.length != n) {
      throw broken(
          "Cost matrix is not square: row %d has %d columns, expected %d"
              .formatted(index, row.length, n));
    }
    for (int j = 0; j < n; j++) {
      if (!(Math.abs(row[j]) <= Float.MAX_VALUE)) {
        throw broken(
            "Cost at row %d, column %d is %s, expected a finite number"
                .formatted(index, j, row[j]));
      }
    }
  }

  private static SmeltException broken(String message) {
    return new SmeltException(
        Fault.FAILED, message, "Check the weights or activations that the costs were made from.");
  }
}
