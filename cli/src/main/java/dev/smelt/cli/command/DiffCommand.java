package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.inspect.DiffText;
import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Diff;
import dev.smelt.io.Fault;
import dev.smelt.io.ModelLocator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Compares two checkpoints tensor by tensor. */
@Command(
    name = "diff",
    description = {
      "Show which tensors and config.json fields of two checkpoints differ.",
      "Exit code 0 if everything is equal, 5 if something differs."
    })
public final class DiffCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(index = "0", paramLabel = "MODEL_A", description = "Directory or hub id.")
  private String first = "";

  @Parameters(index = "1", paramLabel = "MODEL_B", description = "Directory or hub id.")
  private String second = "";

  @Option(names = "--json", description = "Print JSON instead of tables.")
  private boolean json;

  @Option(names = "--all", description = "List every tensor that differs, not the first 40.")
  private boolean all;

  /** A command that prints to this console. */
  public DiffCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (Checkpoint a = Checkpoint.open(ModelLocator.locate(first));
        Checkpoint b = Checkpoint.open(ModelLocator.locate(second))) {
      Diff diff = CheckpointDiff.between(a, b);
      int limit = all ? Integer.MAX_VALUE : DiffText.ROWS;
      console.result(json ? Json.text(DiffText.json(diff)) : DiffText.text(diff, limit));
      return diff.isEmpty() ? 0 : Fault.CHECK.exitCode();
    }
  }
}
