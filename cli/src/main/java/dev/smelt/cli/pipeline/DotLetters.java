package dev.smelt.cli.pipeline;

import java.awt.Graphics2D;
import java.util.HashMap;
import java.util.Map;

/** The few letters of a plot, as dots in a grid of five by seven. */
final class DotLetters {
  private static final int DOT = 2;
  private static final int COLUMNS = 5;
  private static final int ADVANCE = (COLUMNS + 1) * DOT;
  private static final Map<Character, int[]> LETTERS = new HashMap<>();

  static {
    put('0', 14, 17, 19, 21, 25, 17, 14);
    put('1', 4, 12, 4, 4, 4, 4, 14);
    put('2', 14, 17, 1, 2, 4, 8, 31);
    put('3', 31, 2, 4, 2, 1, 17, 14);
    put('4', 2, 6, 10, 18, 31, 2, 2);
    put('5', 31, 16, 30, 1, 1, 17, 14);
    put('6', 6, 8, 16, 30, 17, 17, 14);
    put('7', 31, 1, 2, 4, 8, 8, 8);
    put('8', 14, 17, 17, 14, 17, 17, 14);
    put('9', 14, 17, 17, 15, 1, 2, 12);
    put('.', 0, 0, 0, 0, 0, 12, 12);
    put('-', 0, 0, 0, 31, 0, 0, 0);
    put('a', 0, 0, 14, 1, 15, 17, 15);
    put('b', 16, 16, 30, 17, 17, 17, 30);
    put('c', 0, 0, 14, 16, 16, 17, 14);
    put('d', 1, 1, 15, 17, 17, 17, 15);
    put('e', 0, 0, 14, 17, 31, 16, 14);
    put('f', 6, 9, 8, 28, 8, 8, 8);
    put('g', 0, 15, 17, 17, 15, 1, 14);
    put('h', 16, 16, 22, 25, 17, 17, 17);
    put('i', 4, 0, 12, 4, 4, 4, 14);
    put('l', 12, 4, 4, 4, 4, 4, 14);
    put('n', 0, 0, 22, 25, 17, 17, 17);
    put('o', 0, 0, 14, 17, 17, 17, 14);
    put('p', 0, 0, 30, 17, 30, 16, 16);
    put('r', 0, 0, 22, 25, 16, 16, 16);
    put('s', 0, 0, 14, 16, 14, 1, 30);
    put('t', 8, 8, 28, 8, 8, 9, 6);
    put('u', 0, 0, 17, 17, 17, 19, 13);
    put(' ', 0, 0, 0, 0, 0, 0, 0);
  }

  private DotLetters() {}

  private static void put(char letter, int... rows) {
    LETTERS.put(letter, rows);
  }

  /** Width of a text in pixels. */
  static int width(String text) {
    return text.length() * ADVANCE;
  }

  /** Draws a text with its upper left corner at a place. */
  static void draw(Graphics2D canvas, String text, int x, int y) {
    for (int i = 0; i < text.length(); i++) {
      int[] rows = LETTERS.get(text.charAt(i));
      if (rows == null) {
        throw new IllegalArgumentException("no dots for the letter " + text.charAt(i));
      }
      for (int row = 0; row < rows.length; row++) {
        for (int column = 0; column < COLUMNS; column++) {
          if ((rows[row] >> (COLUMNS - 1 - column) & 1) == 1) {
            canvas.fillRect(x + i * ADVANCE + column * DOT, y + row * DOT, DOT, DOT);
          }
        }
      }
    }
  }
}
