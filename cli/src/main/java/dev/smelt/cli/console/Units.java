package dev.smelt.cli.console;

import java.time.Duration;
import java.util.Locale;

/** Numbers with units, as people read them. The same in every locale. */
public final class Units {
  private Units() {}

  /** Bytes in decimal units: {@code 812 B}, {@code 4.99 GB}. */
  public static String bytes(long bytes) {
    return scaled(bytes, 1000, new String[] {" B", " kB", " MB", " GB", " TB", " PB"});
  }

  /** A large count in short form: {@code 812}, {@code 6.92 M}, {@code 30.5 G}. */
  public static String shortCount(long count) {
    return scaled(count, 1000, new String[] {"", " k", " M", " G", " T", " P"});
  }

  /** A count in full: {@code 1,234,567}. */
  public static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** A share: {@code 0.1234} is {@code 12.3 %}. */
  public static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** A duration: {@code 0.42 s}, {@code 12.3 s}, {@code 3 min 05 s}, {@code 1 h 02 min}. */
  public static String duration(Duration duration) {
    double seconds = duration.toNanos() / 1e9;
    if (seconds < 9.995) {
      return String.format(Locale.ROOT, "%.2f s", seconds);
    }
    if (seconds < 59.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 3600) {
      return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
    }
    long minutes = Math.round(seconds / 60);
    return String.format(Locale.ROOT, "%d h %02d min", minutes / 60, minutes % 60);
  }

  /** Three significant digits in the largest unit that keeps the number at 1 or more. */
  private static String scaled(long amount, int step, String[] units) {
    double value = amount;
    int unit = 0;
    while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
      value /= step;
      unit++;
    }
    if (unit == 0) {
      return amount + units[0];
    }
    int digits = Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
    return String.format(Locale.ROOT, "%." + digits + "f%s", value, units[unit]);
  }
}
