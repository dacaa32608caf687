package dev.smelt.merge.alignment;

import java.util.Arrays;

/**
 * For each row the columns of smallest reduced cost, and a lower bound on the reduced costs of all
 * columns that are not listed.
 *
 * <p>A list is made by reading the row once, with the prices of that moment. Prices only fall
 * afterwards, so reduced costs only grow and the bound stays true (also in floating point, because
 * rounding is monotone). Memory: {@link #CAPACITY} * 8 bytes per row that was read.
 */
final class Candidates {
  /** The list holds at least this many of the smallest columns, if there are so many. */
  private static final int WANTED = 32;

  private static final int CAPACITY = 48;

  /**
   * Columns are spread over this many classes (column modulo the number). The smallest reduced cost
   * of each class is found with element-wise minima, which the compiler vectorises; a reduction to
   * one number would not be.
   */
  private static final int CLASSES = 256;

  private final Problem problem;
  private final double[] prices;
  private final int[][] columns;
  private final float[][] costs;
  private final int[] sizes;
  private final double[] bounds;
  private final double[] reduced;
  private final double[] classMinima = new double[CLASSES];
  private final double[] selection = new double[CLASSES];

  Candidates(Problem problem, double[] prices) {
    int n = problem.size();
    this.problem = problem;
    this.prices = prices;
    columns = new int[n][];
    costs = new float[n][];
    sizes = new int[n];
    bounds = new double[n];
    reduced = new double[n];
    Arrays.fill(bounds, Double.NEGATIVE_INFINITY);
  }

  /** The number of listed columns of a row: 0 before its first {@link #refresh}. */
  int size(int row) {
    return sizes[row];
  }

  /** The listed columns; only the first {@link #size} entries count. */
  int[] columns(int row) {
    return columns[row];
  }

  /** The costs (not reduced) of the listed columns. */
  float[] costs(int row) {
    return costs[row];
  }

  /** No column outside the list has a smaller reduced cost than this. */
  double bound(int row) {
    return bounds[row];
  }

  /** Reads the whole row and lists its smallest columns at the present prices. */
  void refresh(int row) {
    if (sizes[row] == 0) {
      columns[row] = new int[CAPACITY];
      costs[row] = new float[CAPACITY];
    }
    int n = reduced.length;
    float[] values = problem.costs().row(row);
    Arrays.fill(classMinima, Double.POSITIVE_INFINITY);
    for (int start = 0; start < n; start += CLASSES) {
      reduce(values, start, Math.min(CLASSES, n - start));
    }
    System.arraycopy(classMinima, 0, selection, 0, CLASSES);
    // One class holds at least one column, so at least WANTED columns do not exceed the threshold.
    double threshold = Selection.smallest(selection, Math.min(WANTED, n));
    bounds[row] = n <= WANTED ? Double.POSITIVE_INFINITY : threshold;
    collect(row, values, threshold);
  }

  private void reduce(float[] values, int start, int length) {
    double[] out = reduced;
    double[] minima = classMinima;
    double[] price = prices;
    float sign = problem.sign();
    for (int k = 0; k < length; k++) {
      double value = sign * values[start + k] - price[start + k];
      out[start + k] = value;
      minima[k] = Math.min(minima[k], value);
    }
  }

  private void collect(int row, float[] values, double threshold) {
    sizes[row] = 0;
    for (int k = 0; k < CLASSES; k++) {
      if (classMinima[k] <= threshold) {
        for (int j = k; j < reduced.length; j += CLASSES) {
          if (reduced[j] <= threshold) {
            add(row, j, problem.sign() * values[j]);
          }
        }
      }
    }
  }

  /** A full list refuses the newcomer, or gives up a larger member; the bound remembers which. */
  private void add(int row, int column, float cost) {
    int slot = sizes[row];
    if (slot < CAPACITY) {
      sizes[row]++;
    } else if (reduced[column] >= bounds[row]) {
      return;
    } else {
      slot = largest(columns[row]);
      double dropped = Math.max(reduced[columns[row][slot]], reduced[column]);
      bounds[row] = Math.min(bounds[row], dropped);
      if (dropped == reduced[column]) {
        return;
      }
    }
    columns[row][slot] = column;
    costs[row][slot] = cost;
  }

  private int largest(int[] listed) {
    int slot = 0;
    for (int k = 1; k < listed.length; k++) {
      if (reduced[listed[k]] > reduced[listed[slot]]) {
        slot = k;
      }
    }
    return slot;
  }
}
