package dev.smelt.cli.chart;

import java.awt.geom.Path2D;
import java.util.HashMap;
import java.util.Map;

/**
 * Letters as lines, so that a picture needs no fonts.
 *
 * <p>A letter is a list of strokes, a stroke a list of points, a point two digits: column 0 to 4,
 * and row 0 (top of capitals), 2 (top of small letters), 6 (baseline) to 8 (below it). A stroke of
 * one point is a dot.
 */
final class StrokeLetters {
  private static final double COLUMN = 0.105;
  private static final double ROW = 0.12;
  private static final double ADVANCE = 5.6 * COLUMN;
  private static final int BASELINE = 6;
  private static final String UNKNOWN = "0040460600";
  private static final Map<Character, String> LETTERS = new HashMap<>();

  static {
    put('0', "103041453616050110");
    put('1', "112026 1636");
    put('2', "01103041420646");
    put('3', "01103041423313 334445361605");
    put('4', "36300444");
    put('5', "400003334445361605");
    put('6', "413010010516364544331304");
    put('7', "004016");
    put('8', "103041423313020110 1304051636454433");
    put('9', "423313020110304145361605");
    put('a', "12324346 441405163645");
    put('b', "0006 0312324345361605");
    put('c', "4332120305163645");
    put('d', "4046 4332120305163645");
    put('e', "04444332120305163645");
    put('f', "40302126 1232");
    put('g', "4247381807 4332120305163645");
    put('h', "0006 0312324346");
    put('i', "2226 20");
    put('j', "32372818 30");
    put('k', "0006 4204 2346");
    put('l', "10202536");
    put('m', "0206 031223 2326 23324346");
    put('n', "0206 0312324346");
    put('o', "123243453616050312");
    put('p', "0208 0312324345361605");
    put('q', "4248 4332120305163645");
    put('r', "0206 042242");
    put('s', "4212031434453606");
    put('t', "202536 0242");
    put('u', "0205163645 4246");
    put('v', "022642");
    put('w', "0216233642");
    put('x', "0246 4206");
    put('y', "0226 4218");
    put('z', "02420646");
    put('A', "062046 1434");
    put('B', "06003041423303 3344453606");
    put('C', "4130100105163645");
    put('D', "00204244260600");
    put('E', "40000646 0333");
    put('F', "400006 0333");
    put('G', "41301001051636454323");
    put('H', "0006 4046 0343");
    put('I', "1030 2026 1636");
    put('J', "4045361605");
    put('K', "0006 4004 1346");
    put('L', "000646");
    put('M', "0600234046");
    put('N', "06004640");
    put('O', "103041453616050110");
    put('P', "06003041423303");
    put('Q', "103041453616050110 3446");
    put('R', "06003041423303 2346");
    put('S', "413010010213334445361605");
    put('T', "0040 2026");
    put('U', "000516364540");
    put('V', "002640");
    put('W', "0016233640");
    put('X', "0046 4006");
    put('Y', "002340 2326");
    put('Z', "00400646");
    put('.', "26");
    put(',', "2617");
    put(':', "23 26");
    put('-', "1434");
    put('_', "0747");
    put('+', "0444 2226");
    put('/', "0640");
    put('(', "30212536");
    put(')', "10212516");
    put('%', "0640 0010110100 3545463635");
    put('=', "0343 0545");
    put(' ', "");
  }

  private StrokeLetters() {}

  private static void put(char letter, String strokes) {
    LETTERS.put(letter, strokes);
  }

  /** Width of a text in pixels. */
  static double width(String text, int size) {
    return Math.max(0, text.length() * ADVANCE - COLUMN) * size;
  }

  /** Width of the lines. */
  static double weight(int size) {
    return 0.095 * size;
  }

  /** The lines of a text that starts at a place on its baseline; a box for a letter not known. */
  static Path2D path(String text, double x, double y, int size) {
    Path2D path = new Path2D.Double();
    for (int i = 0; i < text.length(); i++) {
      double left = x + i * ADVANCE * size;
      for (String stroke : LETTERS.getOrDefault(text.charAt(i), UNKNOWN).split(" ")) {
        add(path, stroke, left, y, size);
      }
    }
    return path;
  }

  private static void add(Path2D path, String stroke, double left, double baseline, int size) {
    for (int i = 0; i + 1 < stroke.length(); i += 2) {
      double x = left + (stroke.charAt(i) - '0') * COLUMN * size;
      double y = baseline + (stroke.charAt(i + 1) - '0' - BASELINE) * ROW * size;
      if (i == 0) {
        path.moveTo(x, y);
      }
      path.lineTo(x, y);
    }
  }
}
