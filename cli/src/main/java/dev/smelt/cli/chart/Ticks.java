package dev.smelt.cli.chart;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Round numbers along an axis. */
public final class Ticks {
  private static final List<List<Double>> MANTISSAS =
      List.of(
          List.of(1.0),
          List.of(1.0, 3.0),
          List.of(1.0, 2.0, 5.0),
          List.of(1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
          List.of(1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0));

  /**
   * A place on an axis.
   *
   * @param value where
   * @param label the value as text, without needless digits
   */
  public record Tick(double value, String label) {
    private static Tick of(BigDecimal value) {
      return new Tick(value.doubleValue(), value.stripTrailingZeros().toPlainString());
    }
  }

  private Ticks() {}

  /**
   * At equal distances, at most a number of them.
   *
   * @param low start of the axis
   * @param high end of the axis, above the start
   */
  public static List<Tick> linear(double low, double high, int most) {
    BigDecimal step = step((high - low) / most);
    List<Tick> ticks = new ArrayList<>();
    long first = (long) Math.ceil(low / step.doubleValue());
    for (long i = first; i * step.doubleValue() <= high; i++) {
      ticks.add(Tick.of(step.multiply(BigDecimal.valueOf(i))));
    }
    return ticks;
  }

  /** The next larger of 1, 2 and 5 times a power of ten. */
  private static BigDecimal step(double least) {
    int exponent = (int) Math.floor(Math.log10(least));
    for (int mantissa : List.of(1, 2, 5)) {
      BigDecimal step = BigDecimal.valueOf(mantissa).scaleByPowerOfTen(exponent);
      if (step.doubleValue() >= least) {
        return step;
      }
    }
    return BigDecimal.ONE.scaleByPowerOfTen(exponent + 1);
  }

  /**
   * Round numbers on a logarithmic axis, about a number of them; at equal distances if the axis is
   * so short that there are too few of these.
   *
   * @param low start of the axis, above zero
   * @param high end of the axis, above the start
   */
  public static List<Tick> logarithmic(double low, double high, int about) {
    for (List<Double> mantissas : MANTISSAS) {
      List<Tick> ticks = logarithmic(low, high, mantissas);
      if (ticks.size() >= about - 2) {
        return ticks;
      }
    }
    return linear(low, high, about);
  }

  private static List<Tick> logarithmic(double low, double high, List<Double> mantissas) {
    List<Tick> ticks = new ArrayList<>();
    for (int e = (int) Math.floor(Math.log10(low)); Math.pow(10, e) <= high; e++) {
      for (double mantissa : mantissas) {
        BigDecimal value = BigDecimal.valueOf(mantissa).scaleByPowerOfTen(e);
        if (value.doubleValue() >= low && value.doubleValue() <= high) {
          ticks.add(Tick.of(value));
        }
      }
    }
    return ticks;
  }
}
