package dev.smelt.merge.alignment;

/** Hoare's selection of the k-th smallest value. */
final class Selection {
  private Selection() {}

  /**
   * The k-th smallest of some values without NaN; reorders them.
   *
   * @param k 1 for the smallest, at most the number of values
   */
  static double smallest(double[] values, int k) {
    int target = k - 1;
    int low = 0;
    int high = values.length - 1;
    while (low < high) {
      double pivot = values[(low + high) >>> 1];
      int i = low;
      int j = high;
      do {
        while (values[i] < pivot) {
          i++;
        }
        while (pivot < values[j]) {
          j--;
        }
        if (i <= j) {
          double swap = values[i];
          values[i++] = values[j];
          values[j--] = swap;
        }
      } while (i <= j);
      // Now [low, j] <= pivot <= [i, high], and what lies between equals the pivot.
      if (target <= j) {
        high = j;
      } else if (target >= i) {
        low = i;
      } else {
        return values[target];
      }
    }
    return values[target];
  }
}
