package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Units;
import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointVerifier;
import dev.smelt.io.Fault;
import dev.smelt.io.ModelLocator;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Checks a checkpoint as smelt checks what it writes. */
@Command(
    name = "verify",
    description = {
      "Check a checkpoint as smelt checks what it writes: headers, index, sizes, and that no"
          + " floating-point value is NaN or infinite.",
      "Exit code 5 if something is wrong."
    })
public final class VerifyCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  /** A command that prints to this console. */
  public VerifyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    Path directory = ModelLocator.locate(model);
    List<String> problems = CheckpointVerifier.problems(directory);
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECK, problems, "Fetch or write the checkpoint again; nothing was changed.");
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      console.result(
          "%s: ok, %s tensors, %s in %d %s"
              .formatted(
                  directory,
                  Units.count(checkpoint.tensors().size()),
                  Units.bytes(checkpoint.totalBytes()),
                  checkpoint.shards().size(),
                  checkpoint.shards().size() == 1 ? "file" : "files"));
    }
    return 0;
  }
}
