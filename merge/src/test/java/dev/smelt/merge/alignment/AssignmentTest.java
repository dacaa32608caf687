package dev.smelt.merge.alignment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AssignmentTest {
  record Golden(
      String name, Costs costs, double lowest, double highest, String columns, String largest) {
    static Golden parse(String line) {
      String[] part = line.split(" ");
      int n = Integer.parseInt(part[1]);
      MemorySegment values = MemorySegment.ofArray(Base64.getDecoder().decode(part[4]));
      double lowest = Double.parseDouble(part[2]);
      double highest = Double.parseDouble(part[3]);
      return new Golden(part[0], Costs.of(values, n), lowest, highest, part[5], part[6]);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  record Named(String name, Costs costs) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Golden> goldens() throws IOException {
    try (InputStream in = AssignmentTest.class.getResourceAsStream("/assignment/scipy.txt")) {
      String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      return text.lines().map(Golden::parse).toList();
    }
  }

  static Stream<Named> largeProblems() {
    return Stream.of(
        new Named("uniform 700", Problems.uniform(700, 1)),
        new Named("uniform 33, just more than a candidate list", Problems.uniform(33, 2)),
        new Named("uniform 257, just more than the classes", Problems.uniform(257, 3)),
        new Named("integers below 2", Problems.integers(300, 2, 4)),
        new Named("integers below 10", Problems.integers(600, 10, 5)),
        new Named("integers below 1000", Problems.integers(600, 1000, 6)),
        new Named("all equal", Problems.integers(300, 1, 7)),
        new Named("equal rows", Problems.equalRows(300, 8)),
        new Named("equal columns", Problems.equalColumns(300, 9)),
        new Named("squared distances on a line", Problems.squaredDistancesOnALine(300, 10)),
        new Named("period of the classes", Problems.periodic(600, 256, 11)),
        new Named("neurons, clear", Problems.neurons(500, 64, 0.3, 12)),
        new Named("neurons, ambiguous", Problems.neurons(500, 64, 2.5, 13)),
        new Named("neurons, few dimensions", Problems.neurons(500, 4, 1, 14)),
        new Named("neurons, unrelated", Problems.neurons(500, 64, 1000, 15)));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void findsTheSumsAndPermutationsOfSciPy(Golden golden) {
    int[] columns = Assignment.minimise(golden.costs());
    int[] largest = Assignment.maximise(golden.costs());
    assertThat(sum(golden.costs(), columns)).isEqualTo(golden.lowest(), relative(golden.lowest()));
    assertThat(sum(golden.costs(), largest))
        .isEqualTo(golden.highest(), relative(golden.highest()));
    if (!golden.columns().equals("-")) {
      assertThat(text(columns)).isEqualTo(golden.columns());
      assertThat(text(largest)).isEqualTo(golden.largest());
    }
  }

  @Test
  void findsTheBestOfAllPermutations() {
    for (int seed = 0; seed < 60; seed++) {
      for (int n = 0; n <= 7; n++) {
        for (Costs costs : List.of(Problems.uniform(n, seed), Problems.integers(n, 4, seed))) {
          double best = smallestSum(costs, 0, new boolean[n]);
          assertThat(sum(costs, Assignment.minimise(costs)))
              .as("seed %d, n %d", seed, n)
              .isCloseTo(best, within(1e-12));
        }
      }
    }
  }

  /**
   * No reduced cost is negative and those of the assignment are zero: the prices prove that no
   * other assignment is better.
   */
  @ParameterizedTest
  @MethodSource("largeProblems")
  void provesItsSolutionByPrices(Named problem) {
    for (float sign : new float[] {1, -1}) {
      Problem signed = new Problem(problem.costs(), sign);
      Matching matching = Assignment.solve(signed);
      assertIsPermutation(matching.columnOf());
      double[] prices = matching.prices();
      for (int i = 0; i < signed.size(); i++) {
        int chosen = matching.columnOf()[i];
        double rowPrice = signed.cost(i, chosen) - prices[chosen];
        double slack = 1e-13 * (Math.abs(rowPrice) + Math.abs(prices[chosen]));
        for (int j = 0; j < signed.size(); j++) {
          double reduced = signed.cost(i, j) - prices[j] - rowPrice;
          if (reduced < -slack - 1e-13 * Math.abs(prices[j])) {
            assertThat(reduced).as("row %d, column %d, sign %s", i, j, sign).isGreaterThan(0);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("largeProblems")
  void answersTheSameEveryTime(Named problem) {
    int[] columns = Assignment.minimise(problem.costs());
    assertThat(Assignment.minimise(problem.costs())).isEqualTo(columns);
    assertThat(Assignment.minimise(copy(problem.costs()))).isEqualTo(columns);
  }

  @Test
  void maximisingIsMinimisingTheNegative() {
    Costs costs = Problems.neurons(200, 16, 1, 3);
    float[][] negative = new float[200][200];
    for (int i = 0; i < 200; i++) {
      for (int j = 0; j < 200; j++) {
        negative[i][j] = -costs.at(i, j);
      }
    }
    assertThat(Assignment.maximise(costs)).isEqualTo(Assignment.minimise(Costs.of(negative)));
  }

  @Test
  void recoversAPermutation() {
    int n = 300;
    Costs costs = Problems.neurons(n, 64, 0.1, 4);
    int[] expected = IntStream.range(0, n).map(i -> (i * 7 + n / 3) % n).toArray();
    assertThat(Assignment.minimise(costs)).isEqualTo(expected);
  }

  private static Costs copy(Costs costs) {
    return Costs.of(
        IntStream.range(0, costs.size())
            .mapToObj(i -> costs.row(i).clone())
            .toArray(float[][]::new));
  }

  private static double smallestSum(Costs costs, int row, boolean[] taken) {
    if (row == taken.length) {
      return 0;
    }
    double best = Double.POSITIVE_INFINITY;
    for (int j = 0; j < taken.length; j++) {
      if (!taken[j]) {
        taken[j] = true;
        best = Math.min(best, costs.at(row, j) + smallestSum(costs, row + 1, taken));
        taken[j] = false;
      }
    }
    return best;
  }

  private static double sum(Costs costs, int[] columns) {
    assertIsPermutation(columns);
    return IntStream.range(0, columns.length).mapToDouble(i -> costs.at(i, columns[i])).sum();
  }

  private static void assertIsPermutation(int[] columns) {
    int[] sorted = columns.clone();
    Arrays.sort(sorted);
    assertThat(sorted).isEqualTo(IntStream.range(0, columns.length).toArray());
  }

  private static Offset<Double> relative(double value) {
    return within(1e-12 * Math.max(1, Math.abs(value)));
  }

  private static String text(int[] columns) {
    return String.join(",", Arrays.stream(columns).mapToObj(Integer::toString).toList());
  }
}
