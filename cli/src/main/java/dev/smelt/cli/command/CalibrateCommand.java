package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.StatisticsTable;
import dev.smelt.io.SmeltException;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.StatisticsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Gathers routing statistics. */
@Command(
    name = "calibrate",
    description = {
      "Run text through a model, layer by layer, and gather how its routers use the experts.",
      "Example: smelt calibrate MODEL --text calibration.txt -o statistics.safetensors"
    })
public final class CalibrateCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      required = true,
      paramLabel = "FILE.safetensors",
      description = "Where to write the statistics; an older file is replaced.")
  private Path output = Path.of("");

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private SampleOptions sample = new SampleOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public CalibrateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    RoutingStatistics statistics = calibrate();
    console.result(StatisticsTable.of(statistics).toString());
    console.result(StatisticsTable.legend());
    console.info(
        "%s tokens in %d sequences -> %s (%s)"
            .formatted(
                Units.count(statistics.origin().tokens()),
                statistics.origin().sequences(),
                output,
                Units.bytes(output.toFile().length())));
    console.info("next: smelt merge " + model + " -o OUT --ratio 0.5 --statistics " + output);
    return 0;
  }

  /** Gathers and writes the statistics without printing them. */
  public RoutingStatistics calibrate() {
    requireText();
    requireDirectory();
    try (Session session = Session.open(console, model, compute)) {
      RoutingStatistics statistics = text.calibration(sample.sample()).run(session);
      StatisticsFile.write(output, statistics);
      return statistics;
    }
  }

  private void requireText() {
    if (!text.isGiven()) {
      throw SmeltException.usage(
          "--text is missing", "name the text to calibrate on, such as --text calibration.txt");
    }
  }

  private void requireDirectory() {
    Path directory = output.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw SmeltException.usage("-o " + output + ": its directory does not exist", "create it");
    }
  }
}
