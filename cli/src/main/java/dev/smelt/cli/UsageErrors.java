package dev.smelt.cli;

import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what picocli says of a wrong command line into a message with a hint. */
final class UsageErrors {
  private UsageErrors() {}

  /** The usage error (exit code 2) that this exception means. */
  static SmeltException explain(ParameterException e) {
    CommandSpec command = e.getCommandLine().getCommandSpec();
    if (e instanceof UnmatchedArgumentException unmatched) {
      return unmatched(command, unmatched.getUnmatched().getFirst());
    }
    return SmeltException.usage(lowerFirst(e.getMessage()), seeHelp(command));
  }

  private static SmeltException unmatched(CommandSpec command, String word) {
    if (word.startsWith("-")) {
      List<String> options = new ArrayList<>(command.optionsMap().keySet());
      String name = word.replaceFirst("=.*", "");
      return SmeltException.usage(
          "unknown option `" + name + "`", suggestion(name, options, command));
    }
    CommandLine commandLine = command.commandLine();
    if (!commandLine.getSubcommands().isEmpty() && command.parent() == null) {
      List<String> names = List.copyOf(commandLine.getSubcommands().keySet());
      return SmeltException.usage(
          "unknown command `" + word + "`", suggestion(word, names, command));
    }
    return SmeltException.usage("unexpected argument `" + word + "`", seeHelp(command));
  }

  private static String suggestion(String word, List<String> candidates, CommandSpec command) {
    return Suggestion.nearest(word, candidates)
        .map(near -> "did you mean `" + near + "`? " + seeHelp(command))
        .orElseGet(() -> seeHelp(command));
  }

  private static String seeHelp(CommandSpec command) {
    return "see `" + command.qualifiedName() + " --help`";
  }

  private static String lowerFirst(String text) {
    return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }
}
