package dev.smelt.model.text;

import com.hubspot.jinjava.Jinjava;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The code inside a tag of a template: what Jinjava reads differently is rewritten or refused. */
final class JinjaCode {
  private static final Pattern FILTER = Pattern.compile("\\|\\s*([A-Za-z_]\\w*)");
  private static final Pattern NAMED = Pattern.compile("[(,]\\s*[A-Za-z_]\\w*\\s*=(?!=)");
  private static final Pattern NOT =
      Pattern.compile("(?<!\\bis\\s{0,9})\\bnot\\b(?!\\s+in\\b)\\s*");
  private static final Pattern WORD = Pattern.compile("\\b(and|or|if|else)\\b");
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
   * Adds the parentheses that Python's precedence implies: around the values of named arguments,
   * because Jinjava takes only the first operand of {@code name=a - b}, and around the operand of
   * {@code not}, because Jinjava reads {@code not a == b} as {@code (not a) == b}.
   *
   * @param macro whether the code declares a macro, whose parameters are no named arguments
   */
  static String group(String code, boolean macro) {
    String masked = masked(code);
    SequencedMap<Integer, Boolean> starts = new TreeMap<>();
    NOT.matcher(masked).results().forEach(not -> starts.put(not.end(), true));
    Matcher named = NAMED.matcher(masked);
    for (int from = 0; !macro && named.find(from); from = named.end() - 1) {
      starts.put(named.end(), false);
    }
    return group(code, masked, starts);
  }

  /** Opens a group at every start (true: it ends before and, or, if and else as well). */
  private static String group(String code, String masked, SequencedMap<Integer, Boolean> starts) {
    record Group(int depth, boolean endsAtWord) {}
    Set<Integer> words = new HashSet<>();
    WORD.matcher(masked).results().forEach(word -> words.add(word.start()));
    StringBuilder out = new StringBuilder();
    Deque<Group> groups = new ArrayDeque<>();
    int depth = 0;
    for (int i = 0; i < code.length(); i++) {
      char c = masked.charAt(i);
      boolean closes = ")]}".indexOf(c) >= 0;
      boolean separates = closes || c == ',' || c == ':';
      while (!groups.isEmpty()
          && groups.peek().depth() == depth
          && (separates || (words.contains(i) && groups.peek().endsAtWord()))) {
        groups.pop();
        out.append(')');
      }
      if (starts.containsKey(i)) {
        groups.push(new Group(depth, starts.get(i)));
        out.append('(');
      }
      depth += "([{".indexOf(c) >= 0 ? 1 : closes ? -1 : 0;
      out.append(code.charAt(i));
    }
    return out.append(")".repeat(groups.size())).toString();
  }
}
