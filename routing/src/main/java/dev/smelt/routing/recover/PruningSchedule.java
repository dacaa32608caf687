package dev.smelt.routing.recover;

/**
 * How many neurons are kept beside the factors while a student is trained: all that it has for a
 * while, fewer and fewer along a cubic curve, and the wanted share to the end (Li et al.,
 * "LoSparse", ICML 2023).
 *
 * @param from share at the start
 * @param to share at the end
 * @param steps of the training
 */
record PruningSchedule(double from, double to, int steps) {
  /** Parts of the steps before and after the curve: 400 and 1,600 of 10,000 in MC-SMoE. */
  private static final double BEFORE = 0.04;

  private static final double AFTER = 0.16;

  /** The share that is kept after so many steps. */
  double at(int made) {
    int begin = (int) Math.round(BEFORE * steps);
    int end = lastBegin();
    if (made <= begin) {
      return from;
    }
    if (made >= end) {
      return to;
    }
    double left = 1 - (double) (made - begin) / (end - begin);
    return to + (from - to) * left * left * left;
  }

  /** The step from which on the share is the wanted one. */
  int lastBegin() {
    return steps - (int) Math.round(AFTER * steps);
  }
}
