package dev.smelt.cli;

import dev.smelt.cli.console.Console;
import dev.smelt.io.Fault;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The program without a command: help and version. */
@Command(
    name = "smelt",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Surgery on Mixture-of-Experts checkpoints: measure, merge, compress, evaluate.",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "MODEL is a directory, or a Hugging Face id owner/name[@revision] in the local hub cache.",
      "`smelt COMMAND --help` explains a command.",
      "",
      "Exit codes: 0 ok, 1 failed, 2 wrong command line or recipe, 3 checkpoint missing or"
          + " corrupt,",
      "4 not supported, 5 a check failed or models differ, 6 not enough memory or disk,",
      "70 a bug in smelt, 130 interrupted."
    })
final class RootCommand implements Callable<Integer> {
  private final Console console;

  @Spec private CommandSpec spec;

  RootCommand(Console console) {
    this.console = console;
  }

  /** Without a command there is nothing to do: shows the help as an error. */
  @Override
  public Integer call() {
    CommandLine root = spec.commandLine();
    console.error(root.getUsageMessage(root.getColorScheme()).stripTrailing());
    return Fault.USAGE.exitCode();
  }
}
