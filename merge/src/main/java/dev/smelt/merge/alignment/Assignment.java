package dev.smelt.merge.alignment;

/**
 * The linear assignment problem: give every row its own column so that the sum of the chosen
 * entries is smallest (or largest).
 *
 * <p>The solution is exact: the sums are kept in double precision, there is no scaling, no rounding
 * to integers and no tolerance. Costs that are integers, or float32 values within a factor of 2^28
 * of each other, meet no rounding at all.
 *
 * <p>The method is that of Jonker and Volgenant (1987): column reduction, augmenting row reduction,
 * then shortest augmenting paths by Dijkstra's algorithm on reduced costs. Two things differ. Each
 * row is read in full only once or twice: it keeps a short list of its cheapest columns together
 * with a lower bound on all its other reduced costs ({@link Candidates}). Column prices only ever
 * fall, so the bound stays true, and a row is read again only when its list cannot decide. And
 * reduction transfer is left out: it would read every assigned row in full, and saves nothing once
 * the row reduction works on the short lists.
 *
 * <p>Ties: the result is a function of the table alone, the same on every machine and in every run.
 * In the column reduction a column prefers the lowest row, and a row the highest column; afterwards
 * the lower column wins within a list of candidates, and the first path found among equally short
 * ones. Which of several optimal assignments comes out is not specified beyond that.
 */
public final class Assignment {
  private Assignment() {}

  /**
   * The assignment with the smallest sum.
   *
   * @param costs the table; not changed
   * @return for each row its column: a permutation of 0 .. n-1
   */
  public static int[] minimise(Costs costs) {
    return solve(new Problem(costs, 1)).columnOf();
  }

  /**
   * The assignment with the largest sum.
   *
   * @param similarities the table; not changed
   * @return for each row its column: a permutation of 0 .. n-1
   */
  public static int[] maximise(Costs similarities) {
    return solve(new Problem(similarities, -1)).columnOf();
  }

  /** Solves and keeps the column prices, which prove that the assignment is optimal. */
  static Matching solve(Problem problem) {
    Matching matching = new Matching(problem.size());
    int[] unassigned = ColumnReduction.run(problem, matching);
    if (unassigned.length > 0) {
      Candidates candidates = new Candidates(problem, matching.prices());
      unassigned = new RowReduction(candidates, matching).run(unassigned);
      Augmentation augmentation = new Augmentation(problem, candidates, matching);
      for (int row : unassigned) {
        augmentation.assign(row);
      }
    }
    return matching;
  }
}
