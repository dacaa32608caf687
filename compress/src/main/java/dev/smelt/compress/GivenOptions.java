package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.DoublePredicate;

/**
 * The options of a method as the user gave them: values by name, {@code true} for a flag.
 *
 * @param values text by option, without dashes; only those that were given
 */
public record GivenOptions(SequencedMap<String, String> values) {
  /** Copies the map. */
  public GivenOptions {
    values = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(values));
  }

  /**
   * Refuses options that a method does not understand.
   *
   * @throws SmeltException (usage) if one is not among those of the method
   */
  public void requireFor(CompressionMethod method) {
    List<String> known = method.options().stream().map(MethodOption::name).toList();
    for (String name : values.keySet()) {
      if (!known.contains(name)) {
        throw SmeltException.usage(
            "--" + name + ": not an option of the method " + method.name(),
            known.isEmpty()
                ? method.name() + " has no options of its own"
                : method.name() + " has --" + String.join(", --", known));
      }
    }
  }

  /** Whether an option was given. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /** A whole number of at least {@code minimum}. */
  public Optional<Integer> integer(String name, int minimum) {
    return Optional.ofNullable(values.get(name))
        .map(
            text -> {
              try {
                int value = Integer.parseInt(text);
                if (value >= minimum) {
                  return value;
                }
              } catch (NumberFormatException e) {
                throw wrong(name, text, "a whole number");
              }
              throw wrong(name, text, "at least " + minimum);
            });
  }

  /**
   * A number.
   *
   * @param allowed which numbers are
   * @param expected what to say of others, such as {@code a number between 0 and 1}
   */
  public Optional<Double> number(String name, DoublePredicate allowed, String expected) {
    return Optional.ofNullable(values.get(name))
        .map(
            text -> {
              try {
                double value = Double.parseDouble(text);
                if (allowed.test(value)) {
                  return value;
                }
              } catch (NumberFormatException e) {
                throw wrong(name, text, expected);
              }
              throw wrong(name, text, expected);
            });
  }

  /** A share above 0 and at most 1. */
  public Optional<Double> share(String name) {
    return number(name, v -> v > 0 && v <= 1, "a number above 0 and at most 1");
  }

  /** One of some words. */
  public String word(String name, List<String> words, String byDefault) {
    String text = values.getOrDefault(name, byDefault);
    if (!words.contains(text)) {
      throw wrong(name, text, "one of " + String.join(", ", words));
    }
    return text;
  }

  /** The text of an option. */
  public Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** The only one of several options that was given, if one was. */
  public Optional<String> onlyOf(List<String> names) {
    List<String> given = names.stream().filter(this::has).toList();
    if (given.size() > 1) {
      throw SmeltException.usage(
          "--" + String.join(" and --", given) + " exclude each other", "give one of them");
    }
    return given.stream().findFirst();
  }

  private static SmeltException wrong(String name, String text, String expected) {
    return SmeltException.usage(
        "--" + name + " " + text + ": expected " + expected, "smelt compress --help");
  }
}
