package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Chooses the token that follows each of several sequences. */
@FunctionalInterface
public interface TokenChoice {
  /**
   * Chooses tokens.
   *
   * @param logits of the next token, [B, V]
   * @return B token ids
   */
  int[] of(Tensor logits);

  /** The most likely token. */
  static TokenChoice likeliest() {
    return logits ->
        Arrays.stream(logits.to(Dtype.F32).argmax(-1).toLongs())
            .mapToInt(Math::toIntExact)
            .toArray();
  }

  /** Draws from the whole predicted distribution, at temperature 1. */
  static TokenChoice drawn(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return logits -> {
      int vocabulary = Math.toIntExact(logits.size(-1));
      double[] sums = logits.softmax(-1).to(Dtype.F64).cumulativeSum(-1).toDoubles();
      int[] tokens = new int[sums.length / vocabulary];
      for (int b = 0; b < tokens.length; b++) {
        int from = b * vocabulary;
        tokens[b] =
            first(sums, from, vocabulary, random.nextDouble() * sums[from + vocabulary - 1]);
      }
      return tokens;
    };
  }

  /** The first of some ascending sums that is above a bound. */
  private static int first(double[] sums, int from, int count, double bound) {
    int low = 0;
    int high = count - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sums[from + middle] > bound) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
