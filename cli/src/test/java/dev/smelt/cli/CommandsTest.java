package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.cli.console.Console;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What holds for every command in the registry. */
class CommandsTest {
  @Test
  void namesAreUniqueWords() {
    assertThat(Main.COMMANDS).extracting(Main.Entry::name).doesNotHaveDuplicates();
    assertThat(Main.COMMANDS).allSatisfy(e -> assertThat(e.name()).matches("[a-z]+(-[a-z]+)*"));
  }

  @Test
  void everythingIsDescribed() {
    CommandLine root = new Program(Console.system(), Main.COMMANDS).commandLine(List.of());
    assertThat(root.getSubcommands()).hasSameSizeAs(Main.COMMANDS);
    for (CommandLine command : root.getSubcommands().values()) {
      String name = command.getCommandName();
      assertThat(command.getCommandSpec().usageMessage().description()).as(name).isNotEmpty();
      for (OptionSpec option : command.getCommandSpec().options()) {
        assertThat(option.description()).as(name + " " + option.longestName()).isNotEmpty();
        assertThat(option.longestName()).matches("--[a-z]+(-[a-z0-9]+)*");
      }
    }
  }
}
