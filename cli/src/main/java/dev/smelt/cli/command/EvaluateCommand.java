package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.pipeline.EvaluationResult;
import dev.smelt.cli.pipeline.Evaluator;
import dev.smelt.cli.pipeline.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures loss and perplexity. */
@Command(
    name = "evaluate",
    description = {
      "Measure loss and perplexity of a model on text, in windows that are evaluated one by one.",
      "Example: smelt evaluate MODEL --text validation.txt --length 512"
    })
public final class EvaluateCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = "--text",
      arity = "1..*",
      required = true,
      order = 101,
      paramLabel = "FILE",
      description =
          "Text to evaluate on: .txt, .jsonl, .npy or .safetensors files, directories or globs.")
  private List<String> text = new ArrayList<>();

  @Option(
      names = "--length",
      order = 102,
      paramLabel = "L",
      defaultValue = "512",
      converter = PositiveInteger.class,
      description = "Tokens per window. Default: ${DEFAULT-VALUE}.")
  private int length;

  @Option(names = "--json", order = 103, description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public EvaluateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    EvaluationResult result = evaluate();
    console.result(json ? Json.text(result) : result.table().toString());
    return 0;
  }

  /** Measures without printing. */
  public EvaluationResult evaluate() {
    try (Session session = Session.open(console, model, compute)) {
      return Evaluator.run(session, text, length);
    }
  }
}
