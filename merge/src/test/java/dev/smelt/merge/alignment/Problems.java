package dev.smelt.merge.alignment;

import java.util.Random;

/** Seeded cost matrices of the kinds that a solver can stumble over. */
final class Problems {
  private Problems() {}

  static Costs uniform(int n, long seed) {
    Random random = new Random(seed);
    return fill(n, (i, j) -> random.nextFloat() - 0.25f);
  }

  static Costs integers(int n, int top, long seed) {
    Random random = new Random(seed);
    return fill(n, (i, j) -> random.nextInt(top));
  }

  static Costs equalRows(int n, long seed) {
    float[] values = uniform(n, seed).row(0).clone();
    return fill(n, (i, j) -> values[j]);
  }

  static Costs equalColumns(int n, long seed) {
    float[] values = uniform(n, seed).row(0).clone();
    return fill(n, (i, j) -> values[i]);
  }

  static Costs squaredDistancesOnALine(int n, long seed) {
    Random random = new Random(seed);
    double[] x = random.doubles(n).toArray();
    double[] y = random.doubles(n).toArray();
    return fill(n, (i, j) -> (float) ((x[i] - y[j]) * (x[i] - y[j])));
  }

  /** Cheap only where row and column agree modulo a number, and costs of very different size. */
  static Costs periodic(int n, int period, long seed) {
    Random random = new Random(seed);
    return fill(
        n,
        (i, j) -> (float) Math.exp(3 * random.nextGaussian() + (i % period == j % period ? 0 : 9)));
  }

  /** Negative inner products of neurons with noisy copies of themselves in another order. */
  static Costs neurons(int n, int width, double noise, long seed) {
    Random random = new Random(seed);
    double[][] reference = new double[n][width];
    double[][] member = new double[n][width];
    int shift = n / 3;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < width; k++) {
        reference[i][k] = random.nextGaussian();
        member[(i * 7 + shift) % n][k] = reference[i][k] + noise * random.nextGaussian();
      }
    }
    return fill(n, (i, j) -> (float) -dot(reference[i], member[j]));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }

  private static Costs fill(int n, Entry entry) {
    float[][] rows = new float[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        rows[i][j] = entry.at(i, j);
      }
    }
    return Costs.of(rows);
  }

  private interface Entry {
    float at(int row, int column);
  }
}
