package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.inspect.FamilyList;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the supported model types. */
@Command(
    name = "families",
    description = {
      "List the supported model types with what each has beyond a plain decoder.",
      "The list comes from the descriptions that smelt itself works by."
    })
public final class FamiliesCommand implements Callable<Integer> {
  private final Console console;

  @ArgGroup(exclusive = true)
  private Form form = new Form();

  /** A command that prints to this console. */
  public FamiliesCommand(Console console) {
    this.console = console;
  }

  /** How the list is printed. */
  static final class Form {
    @Option(names = "--json", description = "Print JSON instead of a table.")
    private boolean json;

    @Option(names = "--markdown", description = "Print the page docs/families.md.")
    private boolean markdown;
  }

  @Override
  public Integer call() {
    if (form.json) {
      console.result(Json.text(FamilyList.json()));
    } else {
      console.result(form.markdown ? FamilyList.markdown().stripTrailing() : FamilyList.text());
    }
    return 0;
  }
}
