package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.UnlearnOutcome;
import dev.smelt.cli.pipeline.UnlearnTask;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a model forget a text. */
@Command(
    name = "unlearn",
    description = {
      "Make a model forget a text by training one expert and its router, and write the result.",
      "Example: smelt unlearn MODEL -o OUT --forget forget.txt --retain retain.txt --loss gdiff"
    })
public final class UnlearnCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      paramLabel = "OUT",
      description = "The directory to write.")
  private Optional<Path> output = Optional.empty();

  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private LossOptions loss = new LossOptions();
  @Mixin private ForgetOptions text = new ForgetOptions();
  @Mixin private OutputOptions writing = new OutputOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public UnlearnCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    UnlearnOutcome outcome = unlearn(Optional.empty());
    console.result(outcome.table().toString());
    outcome.remarks().forEach(console::info);
    console.info(
        "next: smelt forget-report %s %s --forget FILE --retain FILE"
            .formatted(model, outcome.written().directory()));
    outcome.requireReached();
    return 0;
  }

  /**
   * Trains and writes.
   *
   * @param recipe the recipe to write beside the weights; without one this command becomes one
   */
  public UnlearnOutcome unlearn(Optional<String> recipe) {
    Path target =
        output.orElseThrow(
            () -> SmeltException.usage("-o is missing", "name the directory to write"));
    if (text.texts().forget().isEmpty()) {
      throw SmeltException.usage(
          "--forget is missing", "name the text to forget, such as --forget forget.txt");
    }
    UnlearnTask.Request request =
        loss.request(training, text.texts(), !text.texts().retain().isEmpty());
    WriterOptions options = writing.options();
    CheckpointWriter.requireTarget(target, options.force());
    try (Session session = Session.open(console, model, compute)) {
      return new UnlearnTask(session, request).run(target, options, recipe);
    }
  }
}
