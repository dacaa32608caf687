package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.inspect.ModelSummary;
import dev.smelt.cli.inspect.SummaryText;
import dev.smelt.io.Checkpoint;
import dev.smelt.io.ModelLocator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what a checkpoint is, from its headers and config.json. */
@Command(
    name = "inspect",
    description = "Show what a checkpoint is: layers, experts, parameters, bytes.")
public final class InspectCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(names = "--json", description = "Print JSON instead of tables.")
  private boolean json;

  /** A command that prints to this console. */
  public InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (Checkpoint checkpoint = Checkpoint.open(ModelLocator.locate(model))) {
      ModelSummary summary = ModelSummary.of(checkpoint);
      console.result(json ? Json.text(SummaryText.json(summary)) : SummaryText.text(summary));
      if (summary.isDense()) {
        console.info("note: this is a dense model; smelt's methods need routed experts");
      }
    }
    return 0;
  }
}
