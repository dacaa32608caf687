package dev.smelt.unlearn.measure;

import dev.smelt.model.Routing;

/** Counts how the routing of one layer changed, batch by batch. */
final class RoutingOverlap {
  private final long[] before;
  private final long[] after;
  private long shared;
  private long slots;
  private long tokens;

  RoutingOverlap(int rows) {
    before = new long[rows];
    after = new long[rows];
  }

  void add(Routing then, Routing now) {
    long[] first = then.experts().toLongs();
    long[] second = now.experts().toLongs();
    int k = (int) then.experts().size(1);
    for (int token = 0; token < first.length; token += k) {
      for (int a = token; a < token + k; a++) {
        before[(int) first[a]]++;
        after[(int) second[a]]++;
        for (int b = token; b < token + k; b++) {
          shared += first[a] == second[b] ? 1 : 0;
        }
      }
    }
    slots += first.length;
    tokens += first.length / k;
  }

  LayerRouting finish(int layer) {
    return new LayerRouting(layer, (double) shared / slots, shares(before), shares(after));
  }

  private double[] shares(long[] counts) {
    double[] shares = new double[counts.length];
    for (int e = 0; e < counts.length; e++) {
      shares[e] = (double) counts[e] / tokens;
    }
    return shares;
  }
}
