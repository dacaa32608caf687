package dev.smelt.cli;

import dev.smelt.cli.command.MessageOptions;
import dev.smelt.cli.console.Console;
import dev.smelt.io.Fault;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** One run of the program: parses the command line, runs the command, reports what went wrong. */
final class Program {
  private final Console console;
  private final List<Main.Entry> commands;

  Program(Console console, List<Main.Entry> commands) {
    this.console = console;
    this.commands = commands;
  }

  /** Runs and returns the exit code; never throws. */
  int run(List<String> arguments) {
    int code;
    try {
      code = execute(arguments);
      console.finish();
    } catch (ParameterException e) {
      code = report(UsageErrors.explain(e));
    } catch (Throwable e) {
      code = report(e);
    }
    return code;
  }

  private int report(Throwable failure) {
    return new ErrorPrinter(console).print(Failures.classify(failure));
  }

  private int execute(List<String> arguments) throws Exception {
    CommandLine root = commandLine(arguments);
    ParseResult parsed = root.parseArgs(arguments.toArray(String[]::new));
    if (CommandLine.printHelpIfRequested(parsed)) {
      return 0;
    }
    List<CommandLine> chain = parsed.asCommandLineList();
    Object command = chain.getLast().getCommand();
    if (command instanceof Callable<?> callable && callable.call() instanceof Integer code) {
      return code;
    }
    return Fault.BUG.exitCode();
  }

  /** The picocli model. When the first word names a command, only that command is built. */
  CommandLine commandLine(List<String> arguments) {
    CommandLine root = new CommandLine(new RootCommand(console));
    String first = arguments.isEmpty() ? "" : arguments.getFirst();
    List<Main.Entry> named = commands.stream().filter(entry -> entry.name().equals(first)).toList();
    for (Main.Entry entry : named.isEmpty() ? commands : named) {
      CommandLine command = new CommandLine(entry.create().apply(console));
      command.addMixin("messages", new MessageOptions(console));
      command.getCommandSpec().usageMessage().sortOptions(false);
      root.addSubcommand(entry.name(), command);
    }
    Ansi ansi = console.colorsResults() ? Ansi.ON : Ansi.OFF;
    root.setColorScheme(Help.defaultColorScheme(ansi));
    root.setUsageHelpWidth(100);
    root.setUsageHelpLongOptionsMaxWidth(36);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setOut(console.resultWriter());
    return root;
  }
}
