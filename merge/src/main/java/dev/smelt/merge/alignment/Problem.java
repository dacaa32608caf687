package dev.smelt.merge.alignment;

/**
 * Costs to be minimised: the table itself, or its negative when a sum is to be maximised. The sign
 * is applied while reading, so that no second table is held.
 *
 * @param costs the table
 * @param sign 1 to minimise, -1 to maximise
 */
record Problem(Costs costs, float sign) {
  int size() {
    return costs.size();
  }

  /** The cost to be minimised; exact, since a float fits a double and a sign does not round. */
  double cost(int row, int column) {
    return sign * costs.at(row, column);
  }
}
