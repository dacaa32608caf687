package dev.smelt.cli.comparison;

import dev.smelt.cli.console.Json;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.StatisticsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Where a comparison writes. */
public record ComparisonDirectory(Path path) {
  /** What a comparison leaves, beside models that are kept. */
  public static final List<String> FILES =
      List.of("compare.txt", "compare.json", "pareto.svg", "pareto.png", "statistics.safetensors");

  /**
   * Refuses a directory with files in it.
   *
   * @throws SmeltException (usage) naming the directory
   */
  public void requireEmpty() {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> files = Files.list(path)) {
      if (files.findAny().isPresent()) {
        throw SmeltException.usage(
            path + ": exists already and is not empty", "choose another, or add --force");
      }
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  void create() {
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /** The file of the shared statistics. */
  Path statistics() {
    return path.resolve("statistics.safetensors");
  }

  /** The place of a reduced model. */
  Path model(String method, int experts) {
    return path.resolve("%s-%d".formatted(method, experts));
  }

  void write(RoutingStatistics statistics) {
    StatisticsFile.write(statistics(), statistics);
  }

  /** Writes what is known so far. */
  void write(ComparisonReport report) {
    ParetoChart chart = new ParetoChart(report);
    try {
      Files.writeString(path.resolve("compare.json"), Json.text(report) + "\n");
      Files.writeString(path.resolve("compare.txt"), new ComparisonText(report).text());
      Files.writeString(path.resolve("pareto.svg"), chart.svg());
      Files.write(path.resolve("pareto.png"), chart.png());
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  void remove(Path model) {
    try (Stream<Path> files = Files.walk(model)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw failed(model, e);
    }
  }

  private static SmeltException failed(Path file, IOException e) {
    return new SmeltException(
        Fault.FAILED, file + ": cannot be used: " + e.getMessage(), "choose another directory", e);
  }
}
