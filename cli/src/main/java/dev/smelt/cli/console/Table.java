package dev.smelt.cli.console;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A text table: columns as wide as their widest cell, two spaces between them, numbers aligned to
 * the right and everything else to the left.
 */
public final class Table {
  private static final Pattern NUMBER = Pattern.compile("[-+]?[0-9].*|-|");
  private static final String GAP = "  ";

  private final List<String> titles;
  private final List<List<String>> rows = new ArrayList<>();
  private final Set<Integer> rules = new HashSet<>();

  /** A table with these column titles. */
  public Table(String... titles) {
    this.titles = List.of(titles);
  }

  /** Adds a row; it must have one cell for each title. Returns this table. */
  public Table row(Object... cells) {
    if (cells.length != titles.size()) {
      throw new IllegalArgumentException(cells.length + " cells for " + titles.size() + " columns");
    }
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(cell.toString());
    }
    rows.add(row);
    return this;
  }

  /** Draws a line under the rows so far, as above totals. Returns this table. */
  public Table rule() {
    rules.add(rows.size());
    return this;
  }

  /** Whether there is no row yet. */
  public boolean isEmpty() {
    return rows.isEmpty();
  }

  /** The lines of the table, without a line break at the end. */
  @Override
  public String toString() {
    int[] widths = new int[titles.size()];
    boolean[] right = new boolean[titles.size()];
    for (int column = 0; column < widths.length; column++) {
      widths[column] = width(column);
      right[column] = isNumeric(column);
    }
    List<String> lines = new ArrayList<>();
    lines.add(line(titles, widths, right));
    lines.add(ruler(widths));
    for (int i = 0; i < rows.size(); i++) {
      if (rules.contains(i)) {
        lines.add(ruler(widths));
      }
      lines.add(line(rows.get(i), widths, right));
    }
    return String.join("\n", lines);
  }

  private int width(int column) {
    int widest = length(titles.get(column));
    for (List<String> row : rows) {
      widest = Math.max(widest, length(row.get(column)));
    }
    return widest;
  }

  private boolean isNumeric(int column) {
    return !rows.isEmpty()
        && rows.stream().allMatch(row -> NUMBER.matcher(row.get(column)).matches());
  }

  private static String line(List<String> cells, int[] widths, boolean[] right) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < widths.length; column++) {
      String cell = cells.get(column);
      String padding = " ".repeat(widths[column] - length(cell));
      line.append(column == 0 ? "" : GAP).append(right[column] ? padding + cell : cell + padding);
    }
    return line.toString().stripTrailing();
  }

  private static String ruler(int[] widths) {
    List<String> parts = new ArrayList<>();
    for (int width : widths) {
      parts.add("─".repeat(width));
    }
    return String.join(GAP, parts);
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
