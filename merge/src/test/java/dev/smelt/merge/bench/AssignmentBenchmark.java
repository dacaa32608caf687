package dev.smelt.merge.bench;

import dev.smelt.merge.alignment.Assignment;
import dev.smelt.merge.alignment.Costs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The Java side of {@code bench/assignment.sh}: answers one line of standard input with one line of
 * standard output, so that the script can alternate it with the other side.
 *
 * <p>A line is a file of n * n little-endian float32 costs and n. The answer is the nanoseconds for
 * everything from the mapped values to the permutation, those of the solver alone, and the sum of
 * the costs that it chose.
 */
public final class AssignmentBenchmark {
  private AssignmentBenchmark() {}

  /** Answers requests until the input ends. */
  public static void main(String[] arguments) throws IOException {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      in.lines().map(line -> line.split(" ")).forEach(r -> out.println(answer(r[0], r[1])));
    }
  }

  private static String answer(String file, String size) {
    int n = Integer.parseInt(size);
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(Path.of(file), StandardOpenOption.READ)) {
      // On the Java side as on the other one, the values are in anonymous memory beforehand.
      MemorySegment values = arena.allocate(channel.size(), Float.BYTES);
      values.copyFrom(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
      long start = System.nanoTime();
      Costs costs = Costs.of(values, n);
      long copied = System.nanoTime();
      int[] columns = Assignment.minimise(costs);
      long end = System.nanoTime();
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += costs.at(i, columns[i]);
      }
      return "%d %d %s".formatted(end - start, end - copied, sum);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
