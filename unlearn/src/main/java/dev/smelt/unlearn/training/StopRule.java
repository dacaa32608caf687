package dev.smelt.unlearn.training;

import dev.smelt.io.SmeltException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When training has reached what the user wants, in terms of the losses on held-out sequences.
 *
 * @param forget the rise of the forget loss that is enough
 * @param retain the rise of the retain loss that is still allowed, if the rule speaks of it
 */
public record StopRule(Rise forget, Optional<Rise> retain) {
  private static final Pattern FORM =
      Pattern.compile("(forget|retain)=(\\+?)(\\d+(?:\\.\\d*)?|\\.\\d+)(x|%|)");

  /** Three times the perplexity on the forget set, 2 % more on the retain set. */
  public static final String DEFAULT = "forget=3x,retain=1.02x";

  /**
   * A rise of a loss.
   *
   * @param unit what the amount means
   * @param amount the amount
   */
  public record Rise(Unit unit, double amount) {
    /** What an amount means. */
    public enum Unit {
      /** Nats added to the loss. */
      NATS,
      /** Percent of the loss. */
      PERCENT,
      /** A factor on the perplexity. */
      FACTOR
    }

    /** The loss at which a loss has risen so much. */
    public double above(double loss) {
      return switch (unit) {
        case NATS -> loss + amount;
        case PERCENT -> loss * (1 + amount / 100);
        case FACTOR -> loss + Math.log(amount);
      };
    }

    @Override
    public String toString() {
      String number = String.format(Locale.ROOT, "%s", amount);
      return switch (unit) {
        case NATS -> "+" + number;
        case PERCENT -> "+" + number + "%";
        case FACTOR -> number + "x";
      };
    }
  }

  /**
   * Reads {@code forget=RISE[,retain=RISE]}, where RISE is {@code 3x} (a factor on the perplexity),
   * {@code +1.1} (nats) or {@code +2%} (percent of the loss).
   *
   * @throws SmeltException if the text is something else
   */
  public static StopRule parse(String text) {
    Optional<Rise> forget = Optional.empty();
    Optional<Rise> retain = Optional.empty();
    for (String part : List.of(text.split(",", -1))) {
      Matcher form = FORM.matcher(part.strip());
      if (!form.matches() || form.group(2).isEmpty() != form.group(4).equals("x")) {
        throw wrong(text, "expected forget=RISE,retain=RISE, found '" + part + "'");
      }
      Rise rise = rise(text, form.group(4), Double.parseDouble(form.group(3)));
      if (form.group(1).equals("forget")) {
        forget = Optional.of(rise);
      } else {
        retain = Optional.of(rise);
      }
    }
    return new StopRule(
        forget.orElseThrow(() -> wrong(text, "it says nothing about the forget set")), retain);
  }

  private static Rise rise(String text, String unit, double amount) {
    return switch (unit) {
      case "x" -> {
        if (amount < 1) {
          throw wrong(text, "a factor below 1 is no rise");
        }
        yield new Rise(Rise.Unit.FACTOR, amount);
      }
      case "%" -> new Rise(Rise.Unit.PERCENT, amount);
      default -> new Rise(Rise.Unit.NATS, amount);
    };
  }

  private static SmeltException wrong(String text, String reason) {
    return SmeltException.usage(
        "--stop " + text + ": " + reason,
        "RISE is a factor on the perplexity (3x), nats (+1.1) or percent of the loss (+2%): "
            + DEFAULT);
  }

  /** The rule about the forget set alone. */
  public StopRule withoutRetain() {
    return new StopRule(forget, Optional.empty());
  }

  /** Whether a check is within what is allowed on the retain set. */
  boolean allows(HeldOut now, HeldOut before) {
    return retain.isEmpty()
        || now.retain().isEmpty()
        || now.retain().get() <= retain.get().above(before.retain().orElseThrow());
  }

  /** Whether a check has all that is wanted. */
  boolean isReached(HeldOut now, HeldOut before) {
    return allows(now, before) && now.forget() >= forget.above(before.forget());
  }

  /** Whether a check is better than another: within the rule, and with more forgotten. */
  boolean isBetter(HeldOut now, HeldOut other, HeldOut before) {
    if (allows(now, before) != allows(other, before)) {
      return allows(now, before);
    }
    return now.forget() > other.forget();
  }

  @Override
  public String toString() {
    return "forget=" + forget + retain.map(r -> ",retain=" + r).orElse("");
  }
}
