package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import picocli.CommandLine.Option;

/** The options of every command: how much it says. */
public final class MessageOptions {
  private final Console console;

  /** Options that are applied to this console as soon as they are parsed. */
  public MessageOptions(Console console) {
    this.console = console;
  }

  @Option(
      names = {"-q", "--quiet"},
      order = 1001,
      description = "Print no progress and no remarks.")
  void quiet(boolean quiet) {
    console.setQuiet(quiet);
  }

  @Option(
      names = {"-v", "--verbose"},
      order = 1002,
      description = "Print details, and the stack trace of an error.")
  void verbose(boolean verbose) {
    console.setVerbose(verbose);
  }

  @Option(
      names = {"-h", "--help"},
      order = 1003,
      usageHelp = true,
      description = "Show this help and exit.")
  void help(boolean help) {
    // Answered by picocli before the command runs.
  }
}
