package dev.smelt.cli;

import dev.smelt.cli.command.AttributeCommand;
import dev.smelt.cli.command.CalibrateCommand;
import dev.smelt.cli.command.CompareCommand;
import dev.smelt.cli.command.CompressCommand;
import dev.smelt.cli.command.DiffCommand;
import dev.smelt.cli.command.DropCommand;
import dev.smelt.cli.command.EvaluateCommand;
import dev.smelt.cli.command.FamiliesCommand;
import dev.smelt.cli.command.ForgetReportCommand;
import dev.smelt.cli.command.InspectCommand;
import dev.smelt.cli.command.MergeCommand;
import dev.smelt.cli.command.RecoverCommand;
import dev.smelt.cli.command.RunCommand;
import dev.smelt.cli.command.UnlearnCommand;
import dev.smelt.cli.command.VerifyCommand;
import dev.smelt.cli.console.Console;
import java.math.BigDecimal;
import java.util.List;
import java.util.function.Function;

/** The program: finds the command, runs it and turns its outcome into an exit code. */
public final class Main {
  /**
   * A command of the program.
   *
   * @param name the first word on the command line
   * @param create makes the picocli command object, a {@code Callable<Integer>} that returns the
   *     exit code
   */
  record Entry(String name, Function<Console, Object> create) {}

  /**
   * Every command, in the order of the help text. A new command is one class and one line here. Its
   * fields and method signatures must not name a type of libtorch: picocli reads them for the help
   * text.
   */
  static final List<Entry> COMMANDS =
      List.of(
          new Entry("inspect", InspectCommand::new),
          new Entry("calibrate", CalibrateCommand::new),
          new Entry("attribute", AttributeCommand::new),
          new Entry("merge", MergeCommand::new),
          new Entry("drop", DropCommand::new),
          new Entry("compare", CompareCommand::new),
          new Entry("compress", CompressCommand::new),
          new Entry("recover", RecoverCommand::new),
          new Entry("unlearn", UnlearnCommand::new),
          new Entry("forget-report", ForgetReportCommand::new),
          new Entry("evaluate", EvaluateCommand::new),
          new Entry("families", FamiliesCommand::new),
          new Entry("diff", DiffCommand::new),
          new Entry("verify", VerifyCommand::new),
          new Entry("run", RunCommand::new));

  private Main() {}

  /** Runs the program and ends the process with its exit code. */
  public static void main(String[] arguments) {
    prepareNumbers();
    int code = run(Console.system(), List.of(arguments));
    // System.exit looks into every jar for a logger, so the usual end goes without it.
    if (code != 0) {
      System.exit(code);
    }
  }

  /** Lets a second core make the large powers that cost the JDK's first decimal number 30 ms. */
  static void prepareNumbers() {
    Thread.ofPlatform().daemon().start(BigDecimal.ZERO::signum);
  }

  /** Runs the program in this process and returns its exit code. */
  public static int run(Console console, List<String> arguments) {
    return new Program(console, COMMANDS).run(arguments);
  }
}
