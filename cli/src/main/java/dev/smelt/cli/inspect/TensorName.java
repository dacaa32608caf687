package dev.smelt.cli.inspect;

/**
 * A tensor name, split into its pattern and its numbers: whole steps of digits, and digits after
 * {@code expert_}.
 */
final class TensorName {
  private static final int MOST = 6;
  private static final int LONGEST = 9;

  private final String pattern;
  private final int[] numbers = new int[MOST];
  private int count;

  TensorName(String name) {
    var steps = new StringBuilder(name.length());
    int start = 0;
    while (start <= name.length()) {
      int dot = name.indexOf('.', start);
      int end = dot < 0 ? name.length() : dot;
      addStep(steps, name, start, end);
      if (dot >= 0) {
        steps.append('.');
      }
      start = end + 1;
    }
    pattern = steps.toString();
  }

  private void addStep(StringBuilder steps, String name, int start, int end) {
    int digits = name.startsWith("expert_", start) ? Math.min(end, start + 7) : start;
    if (count < MOST && isNumber(name, digits, end)) {
      steps.append(name, start, digits).append('#');
      numbers[count++] = Integer.parseInt(name, digits, end, 10);
    } else {
      steps.append(name, start, end);
    }
  }

  private static boolean isNumber(String name, int start, int end) {
    for (int i = start; i < end; i++) {
      if (name.charAt(i) < '0' || name.charAt(i) > '9') {
        return false;
      }
    }
    return end > start && end - start <= LONGEST;
  }

  /** The name with {@code #} for each number. */
  String pattern() {
    return pattern;
  }

  /** One of the numbers, in the order of the name; -1 for the index -1. */
  int number(int index) {
    return index < 0 ? -1 : numbers[index];
  }
}
