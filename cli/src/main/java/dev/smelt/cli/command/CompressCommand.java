package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.Calibration;
import dev.smelt.cli.pipeline.CompressionOutcome;
import dev.smelt.cli.pipeline.CompressionRequest;
import dev.smelt.cli.pipeline.CompressionTask;
import dev.smelt.cli.pipeline.MaskTask;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.compress.CompressionMethod;
import dev.smelt.compress.CompressionMethods;
import dev.smelt.compress.GivenOptions;
import dev.smelt.compress.MaskSearch;
import dev.smelt.compress.MethodOption;
import dev.smelt.compress.Unchanged;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes experts smaller. Options of the methods come from their registry. */
@Command(
    name = "compress",
    description = {
      "Make the experts of every layer smaller and write the checkpoint.",
      "Example: smelt compress MODEL -o SMALLER --method low-rank --whiten --parameter-ratio 0.5"
          + " --text calibration.txt"
    })
public final class CompressCommand implements Callable<Integer> {
  private final Console console;
  private final SequencedMap<String, String> given = new LinkedHashMap<>();

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      paramLabel = "OUT",
      description = "The directory to write.")
  private Optional<Path> output = Optional.empty();

  @Option(
      names = "--method",
      order = 2,
      paramLabel = "NAME",
      description =
          "How experts are made smaller: low-rank, low-rank-sparse, shared-delta, slim, mask; see"
              + " docs/methods."
              + " Not needed with --materialize.")
  private String method = "";

  @Option(
      names = "--sequential",
      order = 50,
      description =
          "Calibrate each layer on what the changed layers before it produce, not the original"
              + " ones. Needs --text.")
  private boolean sequential;

  @Option(
      names = "--materialize",
      order = 51,
      description =
          "Write dense experts that every client loads, though they take as much room as before.")
  private boolean materialize;

  @Option(
      names = "--dry-run",
      order = 52,
      description = "Print the plan and what it needs; write nothing.")
  private boolean dryRun;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private OutputOptions writing = new OutputOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public CompressCommand(Console console) {
    this.console = console;
  }

  /** Adds the options of all methods. */
  @Spec
  void addMethodOptions(CommandSpec spec) {
    int order = 10;
    for (MethodOption option : CompressionMethods.options().values()) {
      OptionSpec.Builder builder =
          OptionSpec.builder("--" + option.name())
              .order(order++)
              .description(option.description())
              .type(option.isFlag() ? boolean.class : String.class)
              .setter(
                  new picocli.CommandLine.Model.ISetter() {
                    @Override
                    public <T> T set(T value) {
                      return put(option.name(), value);
                    }
                  });
      spec.addOption(
          option.isFlag() ? builder.build() : builder.paramLabel(option.label()).build());
    }
  }

  private <T> T put(String name, T value) {
    if (value != null && !Boolean.FALSE.equals(value)) {
      given.put(name, value.toString());
    }
    return value;
  }

  @Override
  public Integer call() {
    if (dryRun) {
      plan();
      return 0;
    }
    CompressionOutcome outcome = compress(Optional.empty());
    console.result(outcome.costs().toString());
    console.result("");
    console.result(outcome.errors().toString());
    outcome.remarks().forEach(console::warn);
    console.info("written: " + outcome.written().directory());
    console.info("next: smelt evaluate " + outcome.written().directory() + " --text FILE");
    return 0;
  }

  /** Prints what would be done. */
  private void plan() {
    CompressionRequest request = request();
    if (MaskSearch.rewind(request.options()).isPresent()) {
      throw SmeltException.usage(
          "--dry-run does not plan --rewind", "masks change no size: leave out --dry-run");
    }
    try (Session session = Session.open(console, model, compute)) {
      new CompressionTask(session, request, calibration()).dryRun(writing.options());
    }
  }

  private Optional<Calibration> calibration() {
    return text.isGiven() ? Optional.of(text.calibration(0)) : Optional.empty();
  }

  /**
   * Compresses and writes.
   *
   * @param recipe the recipe to write beside the weights; without one this command becomes one
   */
  public CompressionOutcome compress(Optional<String> recipe) {
    Path target =
        output.orElseThrow(
            () -> SmeltException.usage("-o is missing", "name the directory to write"));
    WriterOptions options = writing.options();
    CheckpointWriter.requireTarget(target, options.force());
    CompressionRequest request = request();
    Optional<String> rewind = MaskSearch.rewind(request.options());
    if (rewind.isEmpty()) {
      return run(model, request, target, options, recipe);
    }
    try (MaskTask.Rewind states = MaskTask.Rewind.beside(target)) {
      run(model, states.search(request), states.searched(), options, Optional.empty());
      return run(rewind.get(), states.apply(request), target, options, recipe);
    }
  }

  private CompressionOutcome run(
      String source,
      CompressionRequest asked,
      Path target,
      WriterOptions options,
      Optional<String> recipe) {
    Optional<Calibration> calibration = calibration();
    try (Session session = Session.open(console, source, compute)) {
      CompressionRequest request = MaskTask.searched(session, asked, calibration);
      return new CompressionTask(session, request, calibration).run(target, options, recipe);
    }
  }

  /** What the options ask for. */
  public CompressionRequest request() {
    GivenOptions options = new GivenOptions(given);
    if (method.isEmpty() && !materialize) {
      throw SmeltException.usage(
          "--method is missing", "low-rank --parameter-ratio 0.5 halves the experts");
    }
    CompressionMethod chosen =
        method.isEmpty() ? Unchanged.METHOD : CompressionMethods.named(method);
    options.requireFor(chosen);
    return new CompressionRequest(chosen, options, sequential, materialize);
  }
}
