package dev.smelt.merge.alignment;

import java.util.Arrays;

/**
 * The assignment under construction and the column prices (dual variables).
 *
 * <p>Invariant between steps: for every assigned row, its column has the smallest reduced cost
 * (cost minus price) of that row. After the column reduction prices only fall.
 */
final class Matching {
  static final int NONE = -1;

  private final int[] columnOf;
  private final int[] rowOf;
  private final double[] prices;

  Matching(int size) {
    columnOf = new int[size];
    rowOf = new int[size];
    prices = new double[size];
    Arrays.fill(columnOf, NONE);
    Arrays.fill(rowOf, NONE);
  }

  /** The column of each row, {@link #NONE} while it has none; the array itself. */
  int[] columnOf() {
    return columnOf;
  }

  /** The row that holds a column, or {@link #NONE}. */
  int rowOf(int column) {
    return rowOf[column];
  }

  /** The price of each column; the array itself, which the steps lower. */
  double[] prices() {
    return prices;
  }

  /** Gives a column to a row and returns the column that the row had before, or {@link #NONE}. */
  int assign(int row, int column) {
    int before = columnOf[row];
    columnOf[row] = column;
    rowOf[column] = row;
    return before;
  }

  /** Gives a column to a row, and returns the row that loses it, or {@link #NONE}. */
  int displace(int row, int column) {
    int loser = rowOf[column];
    if (loser != NONE) {
      columnOf[loser] = NONE;
    }
    assign(row, column);
    return loser;
  }
}
