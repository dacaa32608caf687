package dev.smelt.model.text;

import com.hubspot.jinjava.Jinjava;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The code inside a tag of a template: what Jinjava reads differently is rewritten or refused. */
final class JinjaCode {
  private static final Pattern FILTER = Pattern.compile("\\|\\s*([A-Za-z_]\\w*)");
  private static final Pattern NAMED = Pattern.compile("[(,]\\s*[A-Za-z_]\\w*\\s*=(?!=)");
  private static final Pattern VALUE_OR =
      Pattern.compile(
          "\\bor\\s+('[^']*'|\"[^\"]*\"|\\[\\s*]|\\{\\s*}|\\d+)\\s*(?!\\s|in\\b|not\\b|is\\b|[=!<>])");

  private JinjaCode() {}

  /** The code with the contents of strings replaced by underscores, of the same length. */
  static String masked(String code) {
    StringBuilder masked = new StringBuilder(code);
    char quote = 0;
    for (int i = 0; i < code.length(); i++) {
      char c = code.charAt(i);
      if (quote == 0) {
        quote = c == '\'' || c == '"' ? c : 0;
      } else if (c == quote) {
        quote = 0;
      } else {
        masked.setCharAt(i, '_');
        if (c == '\\' && i + 1 < code.length()) {
          masked.setCharAt(++i, '_');
        }
      }
    }
    return masked.toString();
  }

  /**
   * Refuses what Jinjava takes for something else without a word.
   *
   * @return what is refused; empty if nothing
   */
  static String problem(String code, Jinjava jinja) {
    Matcher filter = FILTER.matcher(masked(code));
    while (filter.find()) {
      if (jinja.getGlobalContext().getFilter(filter.group(1)) == null) {
        return "filter " + filter.group(1);
      }
    }
    return VALUE_OR.matcher(masked(code)).find()
        ? "or that chooses between values in: " + code
        : "";
  }

  /**
   * Puts the values of named arguments in parentheses: Jinjava takes only the first operand of
   * {@code name=a - b} for the value.
   */
  static String groupNamedArguments(String code) {
    String masked = masked(code);
    boolean[] opens = new boolean[code.length()];
    Matcher named = NAMED.matcher(masked);
    for (int from = 0; named.find(from); from = named.end() - 1) {
      opens[named.end() - 1] = true;
    }
    StringBuilder out = new StringBuilder();
    Deque<Integer> groups = new ArrayDeque<>(); // depths at which a value began
    int depth = 0;
    for (int i = 0; i < code.length(); i++) {
      char c = masked.charAt(i);
      boolean closes = ")]}".indexOf(c) >= 0;
      if ((c == ',' || closes) && !groups.isEmpty() && groups.peek() == depth) {
        groups.pop();
        out.append(')');
      }
      depth += "([{".indexOf(c) >= 0 ? 1 : closes ? -1 : 0;
      out.append(code.charAt(i));
      if (opens[i]) {
        groups.push(depth);
        out.append('(');
      }
    }
    return out.toString();
  }
}
