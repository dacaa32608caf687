package dev.smelt.model.text;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.AdvancedFilter;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * The filter {@code tojson}, written as Python's json.dumps writes; {@code indent} is its option.
 */
final class ToJson implements AdvancedFilter {
  @Override
  public String getName() {
    return "tojson";
  }

  @Override
  public Object filter(
      Object value,
      JinjavaInterpreter interpreter,
      Object[] arguments,
      Map<String, Object> options) {
    for (String option : options.keySet()) {
      if (!List.of("indent", "ensure_ascii").contains(option)) {
        throw new UnsupportedOperationException("option " + option + " of tojson");
      }
    }
    if (arguments.length > 0 || Boolean.TRUE.equals(options.get("ensure_ascii"))) {
      throw new UnsupportedOperationException("tojson with ensure_ascii");
    }
    Object indent = options.get("indent");
    StringBuilder out = new StringBuilder();
    write(value, indent instanceof Number n ? n.intValue() : -1, 0, out);
    return out.toString();
  }

  private static void write(Object value, int indent, int depth, StringBuilder out) {
    switch (value) {
      case null -> out.append("null");
      case Map<?, ?> map -> {
        List<Runnable> entries =
            map.entrySet().stream()
                .<Runnable>map(
                    entry ->
                        () -> {
                          quote(String.valueOf(entry.getKey()), out);
                          out.append(": ");
                          write(entry.getValue(), indent, depth + 1, out);
                        })
                .toList();
        group('{', '}', entries, indent, depth, out);
      }
      case Collection<?> list -> {
        List<Runnable> items =
            list.stream().<Runnable>map(item -> () -> write(item, indent, depth + 1, out)).toList();
        group('[', ']', items, indent, depth, out);
      }
      case Boolean truth -> out.append(truth);
      case Double number -> out.append(PythonStrings.repr(number));
      case Number number -> out.append(number);
      default -> quote(value.toString(), out);
    }
  }

  private static void group(
      char open, char close, List<Runnable> parts, int indent, int depth, StringBuilder out) {
    out.append(open);
    for (int i = 0; i < parts.size(); i++) {
      if (i > 0) {
        out.append(indent < 0 ? ", " : ",");
      }
      newline(indent, depth + 1, out);
      parts.get(i).run();
    }
    if (!parts.isEmpty()) {
      newline(indent, depth, out);
    }
    out.append(close);
  }

  private static void newline(int indent, int depth, StringBuilder out) {
    if (indent >= 0) {
      out.append('\n').append(" ".repeat(indent * depth));
    }
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"');
    text.chars().forEach(c -> out.append(escaped((char) c)));
    out.append('"');
  }

  private static String escaped(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      default -> c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c);
    };
  }
}
