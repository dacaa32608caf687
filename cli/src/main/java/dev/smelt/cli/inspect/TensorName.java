package dev.smelt.cli.inspect;

/**
 * A tensor name, split into its pattern and its numbers: whole steps of digits, and digits after
 * {@code expert_}.
 */
final class TensorName {
  private static final int MOST = 6;
  private static final int LONGEST = 9;

  private final StringBuilder pattern = new StringBuilder();
  private final int[] numbers = new int[MOST];
  private int count;

  TensorName(String name) {
    int start = 0;
    while (start <= name.length()) {
      int dot = name.indexOf('.', start);
      int end = dot < 0 ? name.length() : dot;
      addStep(name, start, end);
      if (dot >= 0) {
        pattern.append('.');
      }
      start = end + 1;
    }
  }

  private void addStep(String name, int start, int end) {
    int digits = name.startsWith("expert_", start) ? Math.min(end, start + 7) : start;
    if (count < MOST && isNumber(name, digits, end)) {
      pattern.append(name, start, digits).append('#');
      numbers[count++] = Integer.parseInt(name, digits, end, 10);
    } else {
      pattern.append(name, start, end);
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
    return pattern.toString();
  }

  /** One of the numbers, in the order of the name; -1 for the index -1. */
  int number(int index) {
    return index < 0 ? -1 : numbers[index];
  }
}
