package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.pipeline.AttributionReport;
import dev.smelt.cli.pipeline.AttributionTask;
import dev.smelt.cli.pipeline.ForgetTexts;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.TextFile;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows which experts a text engages. */
@Command(
    name = "attribute",
    description = {
      "Show which experts a text engages most, in all layers, and with a retain set by how much"
          + " more.",
      "Example: smelt attribute MODEL --forget forget.txt --retain retain.txt"
    })
public final class AttributeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      paramLabel = "FILE",
      description = "Write the affinity of every expert as JSON; an older file is replaced.")
  private Optional<Path> output = Optional.empty();

  @Option(
      names = "--top",
      order = 2,
      paramLabel = "N",
      defaultValue = "10",
      converter = PositiveInteger.class,
      description = "Experts to show. Default: ${DEFAULT-VALUE}.")
  private int top;

  @Option(
      names = "--statistics",
      order = 20,
      paramLabel = "FILE",
      description = "Routing statistics of the forget set, instead of --forget.")
  private Optional<Path> statistics = Optional.empty();

  @Option(
      names = "--retain-statistics",
      order = 21,
      paramLabel = "FILE",
      description = "Routing statistics of the retain set, instead of --retain.")
  private Optional<Path> retainStatistics = Optional.empty();

  @Option(names = "--json", order = 110, description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private ForgetOptions text = new ForgetOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public AttributeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    AttributionReport report = attribute();
    if (json) {
      console.result(Json.text(report));
    } else {
      console.result(report.table(top).toString());
      report.remarks().forEach(console::info);
    }
    if (!json && output.isEmpty()) {
      console.info("next: smelt unlearn " + model + " -o OUT --forget FILE --retain FILE");
    }
    return 0;
  }

  /** Measures, and writes the file if there is to be one. */
  public AttributionReport attribute() {
    ForgetTexts texts = text.texts();
    requireOne("--forget", !texts.forget().isEmpty(), "--statistics", statistics.isPresent());
    if (!texts.retain().isEmpty() && retainStatistics.isPresent()) {
      throw excluded("--retain", "--retain-statistics");
    }
    output.ifPresent(TextFile::requireDirectory);
    try (Session session = Session.open(console, model, compute)) {
      AttributionReport report =
          new AttributionTask(texts, statistics, retainStatistics).run(session);
      output.ifPresent(file -> TextFile.write(file, Json.text(report) + "\n"));
      return report;
    }
  }

  private static void requireOne(String a, boolean hasFirst, String b, boolean hasSecond) {
    if (hasFirst && hasSecond) {
      throw excluded(a, b);
    }
    if (!hasFirst && !hasSecond) {
      throw SmeltException.usage(
          a + " is missing", "name the text to forget, such as --forget forget.txt");
    }
  }

  private static SmeltException excluded(String a, String b) {
    return SmeltException.usage(a + " and " + b + " exclude each other", "give one of them");
  }
}
