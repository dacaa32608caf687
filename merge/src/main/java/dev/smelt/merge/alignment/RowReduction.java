package dev.smelt.merge.alignment;

import java.util.Arrays;

/**
 * Augmenting row reduction: a row without a column takes its cheapest one, lowers that column's
 * price until its second cheapest is as good, and whoever held the column looks for another.
 *
 * <p>Each lowering is strict, but can be arbitrarily small, so their number is limited; what is
 * still without a column after {@link #PASSES} passes is left to {@link Augmentation}, which needs
 * no such limit.
 */
final class RowReduction {
  private static final int PASSES = 2;

  /** Displacements per pass that are followed at once, as a multiple of the number of rows. */
  private static final long EFFORT = 16;

  private final Candidates candidates;
  private final Matching matching;
  private final double[] prices;

  // The two smallest reduced costs of the row in hand, and their columns.
  private double first;
  private double second;
  private int firstColumn;
  private int secondColumn;

  RowReduction(Candidates candidates, Matching matching) {
    this.candidates = candidates;
    this.matching = matching;
    this.prices = matching.prices();
  }

  /** Assigns what it can and returns the rows that are still without a column. */
  int[] run(int[] unassigned) {
    int[] rows = unassigned;
    for (int pass = 0; pass < PASSES && rows.length > 0; pass++) {
      rows = pass(rows);
    }
    return rows;
  }

  private int[] pass(int[] unassigned) {
    int[] left = new int[unassigned.length];
    int leftSize = 0;
    long effort = EFFORT * prices.length;
    for (int start : unassigned) {
      int row = start;
      while (row != Matching.NONE) {
        findTwoSmallest(row);
        int column = firstColumn;
        double price = prices[column] - (second - first);
        boolean lowered = price < prices[column] && effort-- > 0;
        if (lowered) {
          prices[column] = price;
        } else if (first == second && matching.rowOf(column) != Matching.NONE) {
          column = secondColumn;
        }
        row = matching.displace(row, column);
        if (row != Matching.NONE && !lowered) {
          left[leftSize++] = row;
          row = Matching.NONE;
        }
      }
    }
    return Arrays.copyOf(left, leftSize);
  }

  private void findTwoSmallest(int row) {
    scan(row);
    if (second > candidates.bound(row)) {
      candidates.refresh(row);
      scan(row);
    }
  }

  private void scan(int row) {
    first = Double.POSITIVE_INFINITY;
    second = Double.POSITIVE_INFINITY;
    int[] columns = candidates.columns(row);
    float[] costs = candidates.costs(row);
    for (int k = 0, size = candidates.size(row); k < size; k++) {
      double value = costs[k] - prices[columns[k]];
      if (precedes(value, columns[k], first, firstColumn)) {
        second = first;
        secondColumn = firstColumn;
        first = value;
        firstColumn = columns[k];
      } else if (precedes(value, columns[k], second, secondColumn)) {
        second = value;
        secondColumn = columns[k];
      }
    }
  }

  private static boolean precedes(double value, int column, double other, int otherColumn) {
    return value < other || (value == other && column < otherColumn);
  }
}
