package dev.smelt.model.layer;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * What T5 adds to the scores of an attention for the distance of key and query: distances are
 * sorted into buckets, exact ones for small distances, then wider and wider ones (Raffel et al.,
 * section 2.1, and its published code).
 *
 * @param table a bias for each bucket and head, [buckets, heads]
 * @param maxDistance all distances from here on share the last bucket
 * @param causal whether keys after the query are hidden; else half of the buckets are theirs
 */
public record RelativeBias(Tensor table, int maxDistance, boolean causal) {
  /** The biases of a sequence of {@code length} tokens, [1, heads, length, length]. */
  Tensor of(int length) {
    long[] buckets = new long[length * length];
    double[] hidden = new double[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        int at = query * length + key;
        buckets[at] = bucket(key - query);
        hidden[at] = causal && key > query ? Double.NEGATIVE_INFINITY : 0;
      }
    }
    Tensor bias =
        table
            .indexSelect(0, Tensors.ofLongs(buckets, buckets.length))
            .reshape(length, length, -1)
            .permute(2, 0, 1);
    return bias.add(Tensors.ofDoubles(hidden, length, length).to(type())).unsqueeze(0);
  }

  private Dtype type() {
    return table.dtype();
  }

  /** The bucket of a key at this distance after the query. */
  int bucket(int distance) {
    int count = (int) table.size(0);
    if (causal) {
      return bucket(Math.max(0, -distance), count);
    }
    int half = count / 2;
    return (distance > 0 ? half : 0) + bucket(Math.abs(distance), half);
  }

  private int bucket(int distance, int count) {
    int exact = count / 2;
    if (distance < exact) {
      return distance;
    }
    double share = Math.log((double) distance / exact) / Math.log((double) maxDistance / exact);
    return Math.min(count - 1, exact + (int) (share * (count - exact)));
  }
}
