package dev.smelt.io;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * Edits a JSON text by splicing characters.
 *
 * <p>The streaming parser gives the place of every value; an edit changes the characters of one of
 * them. The text is known to be valid.
 */
final class ConfigEdit {
  /**
   * The place of a value.
   *
   * @param nameStart the first character of the field's name; for an array element, of its value
   * @param start the first character of the value
   * @param end the character after the value
   * @param object whether the value is an object
   * @param lastChild where the last child of the value ends, or -1 if there is none
   */
  private record Span(int nameStart, int start, int end, boolean object, int lastChild) {}

  /** Stands for a dot inside a name, so that such a name is never taken for a path. */
  private static final char NO_DOT = '\0';

  private final String text;
  private final Map<String, Span> spans = new LinkedHashMap<>();
  private final Map<String, List<String>> children = new LinkedHashMap<>();

  private ConfigEdit(String text) {
    this.text = text;
    try (JsonParser parser =
        JsonText.CONFIGS.createParser(ObjectReadContext.empty(), text.toCharArray())) {
      scan(parser);
    }
  }

  static String set(String text, String path, String literal, Path origin) {
    requireValue(path, literal, origin);
    ConfigEdit edit = new ConfigEdit(text);
    Span span = edit.spans.get(path);
    if (span != null) {
      return text.substring(0, span.start) + literal + text.substring(span.end);
    }
    int dot = path.lastIndexOf('.');
    String parent = dot < 0 ? "" : path.substring(0, dot);
    String field = '"' + path.substring(dot + 1) + "\": " + literal;
    Span object = edit.spans.get(parent);
    if (object == null) {
      return set(text, parent, "{" + field + "}", origin);
    }
    if (!object.object) {
      throw SmeltException.checkpoint(
          origin + ": cannot add " + path + ": " + parent + " is not an object", "");
    }
    return edit.insert(parent, object, field);
  }

  static String remove(String text, String path) {
    ConfigEdit edit = new ConfigEdit(text);
    int dot = path.lastIndexOf('.');
    String parent = dot < 0 ? "" : path.substring(0, dot);
    List<String> siblings = edit.children.getOrDefault(parent, List.of());
    int index = siblings.indexOf(path);
    Span span = edit.spans.get(path);
    int from = span.nameStart;
    int to = span.end;
    if (index > 0) {
      from = edit.spans.get(siblings.get(index - 1)).end;
    } else if (siblings.size() > 1) {
      to = edit.spans.get(siblings.get(1)).nameStart;
    } else {
      from = edit.spans.get(parent).start + 1;
      to = edit.spans.get(parent).end - 1;
    }
    return text.substring(0, from) + text.substring(to);
  }

  private String insert(String parent, Span object, String field) {
    List<String> siblings = children.getOrDefault(parent, List.of());
    if (siblings.isEmpty()) {
      return text.substring(0, object.start) + "{" + field + "}" + text.substring(object.end);
    }
    int at = object.lastChild;
    Span first = spans.get(siblings.getFirst());
    String gap = text.substring(object.start + 1, first.nameStart);
    String separator = gap.isEmpty() || !gap.contains("\n") ? " " : gap;
    return text.substring(0, at) + "," + separator + field + text.substring(at);
  }

  private static void requireValue(String path, String literal, Path origin) {
    try (JsonParser parser =
        JsonText.CONFIGS.createParser(ObjectReadContext.empty(), literal.toCharArray())) {
      parser.nextToken();
      parser.skipChildren();
      boolean one = parser.currentToken() != null && parser.nextToken() == null;
      if (one) {
        return;
      }
    } catch (tools.jackson.core.JacksonException e) {
      throw notValue(path, literal, origin, e);
    }
    throw notValue(path, literal, origin, new IllegalArgumentException("not one JSON value"));
  }

  private static SmeltException notValue(
      String path, String literal, Path origin, RuntimeException cause) {
    return new SmeltException(
        Fault.BUG,
        origin + ": field " + path + ": '" + literal + "' is not one JSON value",
        "Please report this with the command that you ran.",
        cause);
  }

  private void scan(JsonParser parser) {
    Deque<Open> open = new ArrayDeque<>();
    int nameStart = -1;
    String name = "";
    for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
      int start = (int) parser.currentTokenLocation().getCharOffset();
      if (token == JsonToken.PROPERTY_NAME) {
        nameStart = start;
        name = parser.currentName();
        continue;
      }
      if (token.isStructEnd()) {
        close(open, start + 1);
        continue;
      }
      Open parent = open.peek();
      String path = parent == null ? "" : parent.childPath(name);
      int begin = parent != null && parent.object ? nameStart : start;
      if (parent != null) {
        parent.count++;
        children.computeIfAbsent(parent.path, _ -> new ArrayList<>()).add(path);
      }
      if (token.isStructStart()) {
        open.push(new Open(path, begin, start, token == JsonToken.START_OBJECT));
      } else {
        parser.finishToken();
        int end = (int) parser.currentLocation().getCharOffset();
        spans.put(path, new Span(begin, start, end, false, -1));
        if (parent != null) {
          parent.lastChild = end;
        }
      }
    }
  }

  private void close(Deque<Open> open, int end) {
    Open done = open.pop();
    spans.put(done.path, new Span(done.nameStart, done.start, end, done.object, done.lastChild));
    Open parent = open.peek();
    if (parent != null) {
      parent.lastChild = end;
    }
  }

  /** An object or array whose end has not been seen yet. */
  private static final class Open {
    private final String path;
    private final int nameStart;
    private final int start;
    private final boolean object;
    private int count;
    private int lastChild = -1;

    Open(String path, int nameStart, int start, boolean object) {
      this.path = path;
      this.nameStart = nameStart;
      this.start = start;
      this.object = object;
    }

    String childPath(String name) {
      String step = object ? name.replace('.', NO_DOT) : Integer.toString(count);
      return path.isEmpty() ? step : path + "." + step;
    }
  }
}
