package dev.smelt.cli.command;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a whole number of at least 1 from the command line. */
public final class PositiveInteger implements ITypeConverter<Integer> {
  @Override
  public Integer convert(String value) {
    return parse(value, 1);
  }

  /** Reads a whole number of at least 0. */
  public static final class OrZero implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      return parse(value, 0);
    }
  }

  private static int parse(String value, int least) {
    try {
      int number = Integer.parseInt(value);
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Reported below, like a number that is too small.
    }
    throw new TypeConversionException(
        "expected a whole number of at least " + least + ", found '" + value + "'");
  }
}
