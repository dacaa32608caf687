package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import dev.smelt.model.compact.MatrixForm;
import java.util.List;
import java.util.Optional;

/**
 * How many singular values a matrix keeps: a number of them, a share of its parameters, or a share
 * of the sum of their squares.
 *
 * @param kind what the number means
 * @param value the number
 */
record RankBudget(Kind kind, double value) {
  enum Kind {
    RANK,
    RATIO,
    ENERGY
  }

  private static final String RANK = "rank";
  private static final String RATIO = "parameter-ratio";
  private static final String ENERGY = "energy";

  static final MethodOption RANK_OPTION =
      new MethodOption(RANK, "R", "Singular values that every matrix keeps.");
  static final MethodOption RATIO_OPTION =
      new MethodOption(
          RATIO, "P", "Share of the parameters that every matrix keeps; 0.5 halves the experts.");
  static final MethodOption ENERGY_OPTION =
      new MethodOption(
          ENERGY, "E", "Share of the sum of squared singular values that every matrix keeps.");

  /** The budget that the user gave; exactly one of the three options. */
  static RankBudget of(GivenOptions given) {
    String name =
        given
            .onlyOf(List.of(RANK, RATIO, ENERGY))
            .orElseThrow(
                () ->
                    SmeltException.usage(
                        "--rank, --parameter-ratio or --energy is missing",
                        "--parameter-ratio 0.5 keeps half of the parameters of every matrix"));
    return switch (name) {
      case RANK -> new RankBudget(Kind.RANK, given.integer(RANK, 1).orElseThrow());
      case RATIO -> new RankBudget(Kind.RATIO, given.share(RATIO).orElseThrow());
      default -> new RankBudget(Kind.ENERGY, given.share(ENERGY).orElseThrow());
    };
  }

  /** Whether the rank depends on the singular values. */
  boolean needsValues() {
    return kind == Kind.ENERGY;
  }

  /**
   * The rank of a matrix.
   *
   * @param whole the form of the matrix before
   * @param values its singular values, largest first; absent unless {@link #needsValues}
   * @throws SmeltException (usage) if the matrix has no such rank
   */
  int rank(MatrixForm whole, Optional<double[]> values) {
    long side = Math.min(whole.rows(), whole.columns());
    return switch (kind) {
      case RANK -> {
        if (value > side) {
          throw SmeltException.usage(
              "--rank %d: the matrix %s is [%d, %d], its rank is at most %d"
                  .formatted(
                      (int) value, MatrixNames.of(whole), whole.rows(), whole.columns(), side),
              "choose a rank below " + breakEven(whole) + ", where factors become smaller");
        }
        yield (int) value;
      }
      case RATIO ->
          (int) Math.max(1, Math.min((double) side, Math.floor(value * breakEven(whole))));
      case ENERGY -> energy(values.orElseThrow());
    };
  }

  /** The rank at which two factors have as many parameters as the matrix. */
  static double breakEven(MatrixForm whole) {
    return (double) whole.rows() * whole.columns() / (whole.rows() + whole.columns());
  }

  private int energy(double[] values) {
    double all = 0;
    for (double v : values) {
      all += v * v;
    }
    double sum = 0;
    for (int rank = 0; rank < values.length; rank++) {
      if (sum >= value * all) {
        return Math.max(1, rank);
      }
      sum += values[rank] * values[rank];
    }
    return values.length;
  }
}
