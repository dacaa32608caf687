package dev.smelt.unlearn.attribution;

import dev.smelt.model.MoeObserver;
import dev.smelt.model.Routing;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/**
 * Sums gate values of one layer while its batches pass, in their order. Sequences are counted to
 * two halves in turn.
 */
final class AffinityCollector implements MoeObserver {
  private final List<int[]> sequences;
  private final int experts;
  private final double[][] gateMeans;
  private final long[] routed;
  private int next;

  /**
   * Starts a layer.
   *
   * @param sequences all sequences in the order of the batches
   * @param experts number of experts; rows of the router after them stand for no weights
   */
  AffinityCollector(List<int[]> sequences, int experts) {
    this.sequences = sequences;
    this.experts = experts;
    gateMeans = new double[2][experts];
    routed = new long[experts];
  }

  @Override
  public void routed(int layer, Tensor input, Routing routing) {
    long[] chosen = routing.experts().toLongs();
    float[] gates = routing.gates().toFloats();
    int k = (int) routing.experts().size(1);
    for (int token = 0; token < chosen.length / k; next++) {
      int length = sequences.get(next).length;
      add(chosen, gates, token * k, (token + length) * k, length);
      token += length;
    }
  }

  private void add(long[] chosen, float[] gates, int from, int to, int length) {
    double[] means = gateMeans[next % 2];
    for (int slot = from; slot < to; slot++) {
      if (chosen[slot] < experts) {
        means[(int) chosen[slot]] += (double) gates[slot] / length;
        routed[(int) chosen[slot]]++;
      }
    }
  }

  /** Mean over all sequences. */
  LayerAffinity whole(int layer, long tokens) {
    double[] affinity = new double[experts];
    double[] share = new double[experts];
    for (int e = 0; e < experts; e++) {
      affinity[e] = (gateMeans[0][e] + gateMeans[1][e]) / sequences.size();
      share[e] = (double) routed[e] / tokens;
    }
    return new LayerAffinity(layer, affinity, share);
  }

  /** Sums over the sequences of a half, which rank experts as the mean does. */
  double[] half(int which) {
    return gateMeans[which];
  }
}
