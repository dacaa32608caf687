package dev.smelt.model.text;

import java.beans.FeatureDescriptor;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/** Python's methods of strings, for templates; a method that is not here is refused. */
final class PythonStrings extends ELResolver {
  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    if (!(base instanceof String text)) {
      return null;
    }
    context.setPropertyResolved(true);
    return call(text, method.toString(), arguments == null ? new Object[0] : arguments);
  }

  private static Object call(String text, String method, Object[] arguments) {
    return switch (method + "/" + arguments.length) {
      case "strip/0", "strip/1" -> strip(text, arguments, true, true);
      case "lstrip/0", "lstrip/1" -> strip(text, arguments, true, false);
      case "rstrip/0", "rstrip/1" -> strip(text, arguments, false, true);
      case "split/0" -> words(text);
      case "split/1" -> split(text, string(arguments, 0), Integer.MAX_VALUE);
      case "split/2" -> split(text, string(arguments, 0), ((Number) arguments[1]).intValue());
      case "startswith/1" -> text.startsWith(string(arguments, 0));
      case "endswith/1" -> text.endsWith(string(arguments, 0));
      case "replace/2" -> text.replace(string(arguments, 0), string(arguments, 1));
      case "upper/0" -> text.toUpperCase(Locale.ROOT);
      case "lower/0" -> text.toLowerCase(Locale.ROOT);
      case "capitalize/0" -> capitalize(text);
      case "find/1" -> (long) text.indexOf(string(arguments, 0));
      default ->
          throw new UnsupportedOperationException(
              "string method " + method + " with " + arguments.length + " arguments");
    };
  }

  private static String string(Object[] arguments, int index) {
    if (arguments[index] instanceof String text) {
      return text;
    }
    throw new UnsupportedOperationException("string method with an argument that is no string");
  }

  private static String strip(String text, Object[] arguments, boolean left, boolean right) {
    String chars = arguments.length == 0 ? "" : string(arguments, 0);
    IntPredicate drop = arguments.length == 0 ? PythonStrings::isSpace : c -> chars.indexOf(c) >= 0;
    int start = 0;
    int end = text.length();
    while (left && start < end && drop.test(text.charAt(start))) {
      start++;
    }
    while (right && end > start && drop.test(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  /** What Python takes for white space: as Java, and the no-break spaces and next line. */
  static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    int start = -1;
    for (int i = 0; i <= text.length(); i++) {
      boolean space = i == text.length() || isSpace(text.charAt(i));
      if (!space && start < 0) {
        start = i;
      } else if (space && start >= 0) {
        words.add(text.substring(start, i));
        start = -1;
      }
    }
    return words;
  }

  private static List<String> split(String text, String separator, int most) {
    if (separator.isEmpty()) {
      throw new UnsupportedOperationException("split with an empty separator");
    }
    List<String> parts = new ArrayList<>();
    int start = 0;
    int limit = most < 0 ? Integer.MAX_VALUE : most;
    for (int end = text.indexOf(separator);
        end >= 0 && parts.size() < limit;
        end = text.indexOf(separator, start)) {
      parts.add(text.substring(start, end));
      start = end + separator.length();
    }
    parts.add(text.substring(start));
    return parts;
  }

  private static String capitalize(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  /** A float as Python writes it: plain from 1e-4 to 1e16, with an exponent beyond. */
  static String repr(double number) {
    double size = Math.abs(number);
    if (Double.isNaN(number)) {
      return "NaN";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    if (size == 0 || (size >= 1e-4 && size < 1e16)) {
      String plain = new BigDecimal(Double.toString(number)).toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String[] parts = Double.toString(number).split("E", -1);
    String mantissa = parts[0].endsWith(".0") ? parts[0].replace(".0", "") : parts[0];
    int exponent = Integer.parseInt(parts[1]);
    return String.format("%se%s%02d", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {}

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return Collections.emptyIterator();
  }
}
