package dev.smelt.cli.recipe;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A threshold for a measured value, such as {@code <= 5%}.
 *
 * @param comparison how the value is compared with the limit
 * @param limit the limit; {@code 5%} is 0.05
 * @param percent whether the limit was given in percent, and values are shown so
 */
public record Check(Comparison comparison, double limit, boolean percent) {
  private static final Pattern FORM =
      Pattern.compile("(<=|>=|<|>)\\s*([-+]?\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?)\\s*(%?)");

  /** How a value is compared with the limit. */
  public enum Comparison {
    /** At most. */
    AT_MOST("<="),
    /** Less than. */
    LESS("<"),
    /** At least. */
    AT_LEAST(">="),
    /** More than. */
    MORE(">");

    private final String sign;

    Comparison(String sign) {
      this.sign = sign;
    }
  }

  /** Reads a check; empty if the text is not one. */
  public static Optional<Check> parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches()) {
      return Optional.empty();
    }
    boolean percent = !form.group(3).isEmpty();
    double number = Double.parseDouble(form.group(2));
    for (Comparison comparison : Comparison.values()) {
      if (comparison.sign.equals(form.group(1))) {
        return Optional.of(new Check(comparison, percent ? number / 100 : number, percent));
      }
    }
    return Optional.empty();
  }

  /** Whether the value passes; a value that is not a number never does. */
  public boolean accepts(double value) {
    return switch (comparison) {
      case AT_MOST -> value <= limit;
      case LESS -> value < limit;
      case AT_LEAST -> value >= limit;
      case MORE -> value > limit;
    };
  }

  /** The value as it is shown beside this check. */
  public String format(double value) {
    return percent
        ? String.format(Locale.ROOT, "%.2f %%", 100 * value)
        : String.format(Locale.ROOT, "%.4f", value);
  }

  @Override
  public String toString() {
    return comparison.sign + " " + format(limit);
  }
}
