package dev.smelt.model.text;

import com.hubspot.jinjava.Jinjava;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites a Jinja template so that Jinjava renders what Jinja2 renders with trim_blocks and
 * lstrip_blocks.
 *
 * <p>Whitespace control is carried out here and the marks are removed; comments and generation
 * markers disappear; a loop with a condition becomes a loop with an if in it. What Jinjava would
 * silently take for something else (else of a loop, unknown filters, {@code or} that chooses a
 * value) is refused.
 */
final class JinjaSource {
  private static final Pattern OPEN = Pattern.compile("\\{[{%#]");
  private static final Pattern LOOP_IF = Pattern.compile("(for\\b.*?)\\sif\\s(.*)", Pattern.DOTALL);

  /** A block that is open: {@code filtered} for a loop with a condition. */
  private record Block(String name, boolean filtered) {}

  private final String template;
  private final Jinjava jinja;
  private final StringBuilder out = new StringBuilder();
  private final Deque<Block> blocks = new ArrayDeque<>();
  private int position;
  private boolean lineStart = true;

  private JinjaSource(String template, Jinjava jinja) {
    this.template = template;
    this.jinja = jinja;
  }

  /**
   * Rewrites a template.
   *
   * @throws UnsupportedOperationException if it needs what Jinjava does differently
   * @throws IllegalArgumentException if a delimiter is not closed
   */
  static String prepare(String template, Jinjava jinja) {
    String unix = template.replace("\r\n", "\n").replace('\r', '\n');
    String trimmed = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    return new JinjaSource(trimmed, jinja).prepare();
  }

  private String prepare() {
    Matcher open = OPEN.matcher(template);
    while (open.find(position)) {
      int start = open.start();
      char kind = template.charAt(start + 1);
      text(template.substring(position, start), kind, charAt(start + 2));
      position = start + 2;
      if (kind == '#') {
        comment();
      } else {
        tag(kind);
      }
    }
    return out.append(template.substring(position)).toString();
  }

  /** Text before a tag: {@code -} strips it, and a block tag strips the blanks of its line. */
  private void text(String text, char kind, char mark) {
    String kept = text;
    if (mark == '-') {
      kept = text.stripTrailing();
    } else if (kind != '{' && mark != '+') {
      int line = text.lastIndexOf('\n') + 1;
      if ((line > 0 || lineStart) && text.substring(line).isBlank()) {
        kept = text.substring(0, line);
      }
    }
    out.append(kept);
    if (kept.endsWith("{")) {
      out.setLength(out.length() - 1);
      out.append("{{ '{' }}"); // else it would join the tag that follows
    }
  }

  private void comment() {
    int end = template.indexOf("#}", position);
    if (end < 0) {
      throw new IllegalArgumentException(at(position) + "comment is not closed");
    }
    boolean strip = end > position && template.charAt(end - 1) == '-';
    boolean keep = end > position && template.charAt(end - 1) == '+';
    position = end + 2;
    after(strip, !keep);
  }

  private void tag(char kind) {
    int end = closing(kind == '{' ? "}}" : "%}");
    String code = template.substring(position, end);
    char last = code.isEmpty() ? ' ' : code.charAt(code.length() - 1);
    boolean minus = last == '-';
    boolean plus = kind == '%' && last == '+';
    int from = code.startsWith("-") || code.startsWith("+") ? 1 : 0;
    int to = minus || plus ? code.length() - 1 : code.length();
    String clean = code.substring(Math.min(from, to), to).strip();
    check(clean);
    String grouped = macro(clean) ? clean : JinjaCode.groupNamedArguments(clean);
    position = end + 2;
    if (kind == '{') {
      out.append("{{ ").append(grouped).append(" }}");
      after(minus, false);
    } else {
      block(grouped);
      after(minus, !plus);
    }
  }

  /** The parameters of a macro look like named arguments, but are none. */
  private static boolean macro(String code) {
    return code.startsWith("macro ");
  }

  /** The end of a tag: its closing mark outside strings and brackets. */
  private int closing(String mark) {
    int depth = 0;
    char quote = 0;
    for (int i = position; i < template.length(); i++) {
      char c = template.charAt(i);
      if (quote != 0) {
        if (c == '\\') {
          i++;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (depth == 0 && template.startsWith(mark, i)) {
        return i;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if ("([{".indexOf(c) >= 0) {
        depth++;
      } else if (")]}".indexOf(c) >= 0) {
        depth--;
      }
    }
    throw new IllegalArgumentException(at(position) + "tag is not closed");
  }

  private void block(String code) {
    String name = code.split("[^A-Za-z_]", 2)[0];
    switch (name) {
      case "generation", "endgeneration" -> {}
      case "raw", "filter", "call", "include", "import", "extends", "from" ->
          throw refused("tag " + name);
      case "for" -> loop(code);
      case "if", "macro" -> {
        blocks.push(new Block(name, false));
        emit(code);
      }
      case "else" -> {
        if (!blocks.isEmpty() && blocks.peek().name().equals("for")) {
          throw refused("else of a for loop");
        }
        emit(code);
      }
      case "endfor", "endif", "endmacro" -> {
        if (!blocks.isEmpty() && blocks.pop().filtered()) {
          emit("endif");
        }
        emit(code);
      }
      default -> emit(code);
    }
  }

  private void loop(String code) {
    Matcher condition = LOOP_IF.matcher(JinjaCode.masked(code));
    boolean filtered = condition.matches();
    blocks.push(new Block("for", filtered));
    if (filtered) {
      emit(code.substring(0, condition.end(1)));
      emit("if " + code.substring(condition.start(2)));
    } else {
      emit(code);
    }
  }

  private void emit(String code) {
    out.append("{% ").append(code).append(" %}");
  }

  private void after(boolean strip, boolean trimNewline) {
    int start = position;
    if (strip) {
      while (position < template.length() && Character.isWhitespace(charAt(position))) {
        position++;
      }
    } else if (trimNewline && charAt(position) == '\n') {
      position++;
    }
    lineStart = position > start && charAt(position - 1) == '\n';
  }

  private void check(String code) {
    String problem = JinjaCode.problem(code, jinja);
    if (!problem.isEmpty()) {
      throw refused(problem);
    }
    boolean inFilteredLoop =
        blocks.stream()
            .filter(block -> block.name().equals("for"))
            .findFirst()
            .map(Block::filtered)
            .orElse(false);
    if (inFilteredLoop && JinjaCode.masked(code).matches("(?s).*\\bloop\\b.*")) {
      throw refused("loop variable in a loop with a condition");
    }
  }

  private UnsupportedOperationException refused(String what) {
    return new UnsupportedOperationException(at(position) + what + " is not supported");
  }

  private String at(int index) {
    long line = template.substring(0, index).chars().filter(c -> c == '\n').count() + 1;
    return "line " + line + ": ";
  }

  private char charAt(int index) {
    return index < template.length() ? template.charAt(index) : 0;
  }
}
