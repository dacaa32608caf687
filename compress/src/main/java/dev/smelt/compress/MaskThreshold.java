package dev.smelt.compress;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;

/**
 * The score from which on weights are kept, for many matrices together: scores are counted by their
 * eight leading bits, which are those of bfloat16.
 *
 * @param bin of the last scores of which any are kept
 * @param share of the scores in that bin that is kept
 */
record MaskThreshold(int bin, double share) {
  private static final int BINS = 1 << 15;
  private static final int SHIFT = 16;

  /** Adds the scores of a matrix to the counts of all bins. */
  static double[] counts(Tensor scores) {
    double[] counts = new double[BINS];
    for (float score : scores.toFloats()) {
      counts[bin(score)]++;
    }
    return counts;
  }

  private static int bin(float score) {
    return Float.floatToRawIntBits(score) >>> SHIFT;
  }

  /** The threshold that keeps so many of all that were counted. */
  static MaskThreshold keeping(double[] counts, long kept) {
    double above = 0;
    for (int bin = BINS - 1; bin >= 0; bin--) {
      if (above + counts[bin] >= kept && counts[bin] > 0) {
        return new MaskThreshold(bin, (kept - above) / counts[bin]);
      }
      above += counts[bin];
    }
    return new MaskThreshold(0, 1);
  }

  /** One where a score is kept, zero elsewhere; of equal scores the first. */
  Tensor apply(Tensor scores) {
    float[] values = scores.toFloats();
    float[] mask = new float[values.length];
    float[] last = new float[values.length];
    int inBin = 0;
    for (int i = 0; i < values.length; i++) {
      int own = bin(values[i]);
      mask[i] = own > bin ? 1 : 0;
      if (own == bin) {
        last[inBin++] = values[i];
      }
    }
    long wanted = Math.round(share * inBin);
    if (wanted > 0) {
      float[] sorted = Arrays.copyOf(last, inBin);
      Arrays.sort(sorted);
      float least = sorted[(int) (inBin - wanted)];
      for (int i = 0; i < values.length; i++) {
        if (bin(values[i]) == bin && values[i] > least) {
          mask[i] = 1;
          wanted--;
        }
      }
      for (int i = 0; i < values.length && wanted > 0; i++) {
        if (values[i] == least) {
          mask[i] = 1;
          wanted--;
        }
      }
    }
    return Tensors.ofFloats(mask, scores.shape());
  }
}
