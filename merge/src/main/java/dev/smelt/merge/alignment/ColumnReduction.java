package dev.smelt.merge.alignment;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The start: the price of a column is its smallest cost, and the row that has this cost gets the
 * column if it has none yet. For clearly matching neurons this alone is the solution.
 */
final class ColumnReduction {
  private ColumnReduction() {}

  /** Sets the prices and the first assignments; returns the rows without a column, ascending. */
  static int[] run(Problem problem, Matching matching) {
    int n = problem.size();
    if (n == 0) {
      return new int[0];
    }
    float[] smallest = new float[n];
    Arrays.fill(smallest, Float.POSITIVE_INFINITY);
    int[] rowOfSmallest = new int[n];
    for (int i = 0; i < n; i++) {
      lower(problem.costs().row(i), problem.sign(), i, smallest, rowOfSmallest);
    }
    for (int j = n - 1; j >= 0; j--) {
      matching.prices()[j] = smallest[j];
      if (matching.columnOf()[rowOfSmallest[j]] == Matching.NONE) {
        matching.assign(rowOfSmallest[j], j);
      }
    }
    return IntStream.range(0, n).filter(i -> matching.columnOf()[i] == Matching.NONE).toArray();
  }

  private static void lower(float[] row, float sign, int index, float[] smallest, int[] rowOf) {
    for (int j = 0; j < smallest.length; j++) {
      float cost = sign * row[j];
      if (cost < smallest[j]) {
        smallest[j] = cost;
        rowOf[j] = index;
      }
    }
  }
}
