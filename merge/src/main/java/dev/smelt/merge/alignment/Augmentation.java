package dev.smelt.merge.alignment;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Shortest augmenting paths: gives one more row a column by moving rows along the cheapest chain of
 * columns that ends at a free one.
 *
 * <p>Dijkstra's algorithm over columns, where the length of an edge is a reduced cost minus the
 * smallest one of its row. A row that is reached offers at first only its candidates. Its other
 * columns are at least {@link Candidates#bound} away, so they are looked at only once no column
 * that is nearer remains. Nothing farther than the nearest known free column is ever kept.
 */
final class Augmentation {
  private final Problem problem;
  private final Candidates candidates;
  private final Matching matching;
  private final double[] prices;

  /** Tentative, then final distance of each column; infinite if not reached. */
  private final double[] distance;

  /** The row before a column on its path. */
  private final int[] previous;

  /** The number of the search that settled a column last. */
  private final int[] settledIn;

  private final int[] settled;
  private final int[] reached;

  /** What is added to a reached row's reduced costs to give distances. */
  private final double[] offset;

  private final IndexedHeap open;
  private final IndexedHeap unread;
  private int searches;
  private int settledSize;
  private int reachedSize;

  /** The distance of the column settled last. */
  private double radius;

  /** The free columns, in no particular but reproducible order. */
  private final int[] free;

  private int freeSize;

  /** The nearest free column that is known, and its distance. */
  private int freeColumn;

  private double freeDistance;

  Augmentation(Problem problem, Candidates candidates, Matching matching) {
    int n = problem.size();
    this.problem = problem;
    this.candidates = candidates;
    this.matching = matching;
    this.prices = matching.prices();
    distance = new double[n];
    previous = new int[n];
    settledIn = new int[n];
    settled = new int[n];
    reached = new int[n];
    offset = new double[n];
    free = IntStream.range(0, n).filter(j -> matching.rowOf(j) == Matching.NONE).toArray();
    freeSize = free.length;
    open = new IndexedHeap(n);
    unread = new IndexedHeap(n);
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
  }

  /** Gives the row a column; every row that had one keeps one. */
  void assign(int row) {
    begin();
    reach(row, 0);
    search();
    lowerPrices();
    movePath(row);
  }

  private void begin() {
    for (int k = 0; k < reachedSize; k++) {
      distance[reached[k]] = Double.POSITIVE_INFINITY;
    }
    searches++;
    settledSize = 0;
    reachedSize = 0;
    radius = Double.NEGATIVE_INFINITY;
    freeDistance = Double.POSITIVE_INFINITY;
    open.clear();
    unread.clear();
  }

  private void search() {
    while (true) {
      double next = Math.min(open.smallestKey(), freeDistance);
      if (next == freeDistance && unread.smallestKey() >= next) {
        return;
      } else if (unread.smallestKey() <= next) {
        readAll(unread.pop());
      } else {
        settle(open.pop());
      }
    }
  }

  private void settle(int column) {
    int row = matching.rowOf(column);
    radius = distance[column];
    settledIn[column] = searches;
    settled[settledSize++] = column;
    reach(row, radius - (problem.cost(row, column) - prices[column]));
  }

  private void reach(int row, double rowOffset) {
    if (candidates.size(row) == 0) {
      candidates.refresh(row);
    }
    offset[row] = rowOffset;
    int[] columns = candidates.columns(row);
    float[] costs = candidates.costs(row);
    for (int k = 0, size = candidates.size(row); k < size; k++) {
      relax(columns[k], (costs[k] - prices[columns[k]]) + rowOffset, row);
    }
    double bound = candidates.bound(row) + rowOffset;
    if (bound < freeDistance) {
      unread.put(row, bound);
    }
  }

  private void readAll(int row) {
    float[] costs = problem.costs().row(row);
    float sign = problem.sign();
    double rowOffset = offset[row];
    for (int k = 0; k < freeSize; k++) {
      int j = free[k];
      relax(j, (sign * costs[j] - prices[j]) + rowOffset, row);
    }
    if (freeDistance <= radius) {
      return;
    }
    for (int j = 0; j < costs.length; j++) {
      double through = (sign * costs[j] - prices[j]) + rowOffset;
      if (through < distance[j] && through < freeDistance) {
        relax(j, through, row);
      }
    }
  }

  private void relax(int column, double through, int row) {
    // Rounding must not undercut the radius: then prices could rise and bounds would be wrong.
    double length = Math.max(through, radius);
    if (length >= distance[column] || length >= freeDistance || settledIn[column] == searches) {
      return;
    }
    if (distance[column] == Double.POSITIVE_INFINITY) {
      reached[reachedSize++] = column;
    }
    distance[column] = length;
    previous[column] = row;
    if (matching.rowOf(column) == Matching.NONE) {
      freeDistance = length;
      freeColumn = column;
    } else {
      open.put(column, length);
    }
  }

  private void lowerPrices() {
    for (int k = 0; k < settledSize; k++) {
      prices[settled[k]] += distance[settled[k]] - freeDistance;
    }
  }

  private void movePath(int start) {
    int k = 0;
    while (free[k] != freeColumn) {
      k++;
    }
    free[k] = free[--freeSize];
    int column = freeColumn;
    int row;
    do {
      row = previous[column];
      column = matching.assign(row, column);
    } while (row != start);
  }
}
