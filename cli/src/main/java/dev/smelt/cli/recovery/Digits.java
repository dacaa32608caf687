package dev.smelt.cli.recovery;

import java.awt.image.BufferedImage;

/** Numbers in pixels: three columns and five rows for each character, drawn twice as large. */
final class Digits {
  private static final String KNOWN = "0123456789.-+e";

  /** For each known character its rows from the top, three bits each. */
  private static final int[][] ROWS = {
    {7, 5, 5, 5, 7},
    {2, 6, 2, 2, 7},
    {7, 1, 7, 4, 7},
    {7, 1, 3, 1, 7},
    {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7},
    {7, 4, 7, 5, 7},
    {7, 1, 2, 2, 2},
    {7, 5, 7, 5, 7},
    {7, 5, 7, 1, 7},
    {0, 0, 0, 0, 2},
    {0, 0, 7, 0, 0},
    {0, 2, 7, 2, 0},
    {0, 7, 7, 4, 7},
  };

  private static final int SIZE = 2;
  private static final int COLUMNS = 3;

  private Digits() {}

  /** Draws a number with its upper left corner at a place; what is outside is left out. */
  static void draw(BufferedImage image, String number, int x, int y, int colour) {
    for (int c = 0; c < number.length(); c++) {
      int known = KNOWN.indexOf(number.charAt(c));
      for (int row = 0; known >= 0 && row < ROWS[known].length; row++) {
        for (int column = 0; column < COLUMNS; column++) {
          if (((ROWS[known][row] >> (COLUMNS - 1 - column)) & 1) == 1) {
            int left = x + SIZE * (c * (COLUMNS + 1) + column);
            square(image, left, y + SIZE * row, colour);
          }
        }
      }
    }
  }

  private static void square(BufferedImage image, int x, int y, int colour) {
    for (int i = 0; i < SIZE * SIZE; i++) {
      int px = x + i % SIZE;
      int py = y + i / SIZE;
      if (px >= 0 && py >= 0 && px < image.getWidth() && py < image.getHeight()) {
        image.setRGB(px, py, colour);
      }
    }
  }
}
