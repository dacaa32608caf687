package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.recovery.Recovery;
import dev.smelt.cli.recovery.RecoveryMode;
import dev.smelt.cli.recovery.RecoveryOutcome;
import dev.smelt.cli.recovery.RecoveryRequest;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.ModelLocator;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.MoeModel;
import dev.smelt.routing.recover.TrainedTensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Trains a student towards its teacher. */
@Command(
    name = "recover",
    description = {
      "Train a smaller model towards the one it was made from, and write it again.",
      "Example: smelt recover SMALLER --teacher MODEL --text calibration.txt -o RECOVERED"
    })
public final class RecoverCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      paramLabel = "STUDENT",
      description = "The model to train: directory, or id in the local hub cache.")
  private String student = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      paramLabel = "OUT",
      required = true,
      description = "The directory to write.")
  private Path output = Path.of("");

  @Option(
      names = "--teacher",
      order = 2,
      paramLabel = "MODEL",
      required = true,
      description = "The model to learn from, of the same family, sizes and tokenizer.")
  private String teacher = "";

  @Option(
      names = "--mode",
      order = 3,
      paramLabel = "HOW",
      defaultValue = "layerwise",
      converter = KebabCase.ToRecoveryMode.class,
      description =
          "layerwise (each layer towards the teacher's, one layer of each model in memory) or"
              + " end-to-end (the whole student in memory). Default: ${DEFAULT-VALUE}.")
  private RecoveryMode mode = RecoveryMode.LAYERWISE;

  @Option(
      names = "--train",
      order = 4,
      paramLabel = "PART",
      defaultValue = "all",
      converter = KebabCase.ToTrainedTensors.class,
      description =
          "What is trained: experts, router, factors (of a student in compact form) or"
              + " all (layerwise: experts and router; end-to-end: every weight)."
              + " Default: ${DEFAULT-VALUE}.")
  private TrainedTensors train = TrainedTensors.ALL;

  @Option(
      names = "--refit",
      order = 5,
      description = "layerwise: refit down projections in closed form before the training.")
  private boolean refit;

  @Option(
      names = "--keep",
      order = 6,
      paramLabel = "S",
      description =
          "end-to-end: prune the neurons that a compact student keeps beside its factors, step by"
              + " step, until this share of all neurons is left (LoSparse).")
  private Optional<Double> keep = Optional.empty();

  @Option(
      names = "--held-out",
      arity = "1..*",
      order = 106,
      paramLabel = "FILE",
      description =
          "Text that only judges, in windows of --length. Default: an eighth of the sequences of"
              + " --text.")
  private List<String> heldOut = new ArrayList<>();

  @Option(
      names = "--resume",
      order = 22,
      paramLabel = "DIR",
      description = "Store the run here, and go on where it was stopped if there is something.")
  private Optional<Path> resume = Optional.empty();

  @Mixin private TrainingFlags training = new TrainingFlags();
  @Mixin private DistillationFlags distillation = new DistillationFlags();
  @Mixin private TextOptions text = new TextOptions();
  @Mixin private OutputOptions writing = new OutputOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public RecoverCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    RecoveryOutcome outcome = recover(Optional.empty());
    console.result(outcome.table().toString());
    outcome.remarks().forEach(console::info);
    console.info("written: " + outcome.written().directory());
    console.info("next: smelt evaluate " + outcome.written().directory() + " --text FILE");
    return 0;
  }

  /**
   * Trains and writes.
   *
   * @param recipe the recipe to write beside the weights; without one this command becomes one
   */
  public RecoveryOutcome recover(Optional<String> recipe) {
    WriterOptions options = writing.options();
    CheckpointWriter.requireTarget(output, options.force());
    RecoveryRequest request = request();
    try (Session session = Session.open(console, student, compute);
        MoeModel opened = MoeModel.open(ModelLocator.locate(teacher))) {
      int vocabulary = session.model().architecture().vocabulary();
      RecoveryRequest fitted = request.withLikeliest(vocabulary);
      return new Recovery(session, opened, fitted).run(output, options, recipe);
    }
  }

  private RecoveryRequest request() {
    if (!text.isGiven()) {
      throw SmeltException.usage(
          "--text is missing", "name the text to learn from, such as --text calibration.txt");
    }
    distillation.requireMode(mode);
    if (refit && mode != RecoveryMode.LAYERWISE) {
      throw SmeltException.usage(
          "--refit works layer by layer and not with --mode end-to-end", "leave one of them out");
    }
    if (refit && train == TrainedTensors.ROUTER) {
      throw SmeltException.usage(
          "--refit changes experts, and --train router does not", "leave one of them out");
    }
    requireKeep();
    return new RecoveryRequest(
        teacher,
        mode,
        train,
        refit,
        text.calibration(0),
        heldOut,
        training.batch(),
        training.options(mode),
        distillation.options(),
        keep,
        resume);
  }

  private void requireKeep() {
    keep.ifPresent(
        share -> TrainingFlags.require("--keep", share, share > 0 && share < 1, "between 0 and 1"));
    if (keep.isPresent() && mode != RecoveryMode.END_TO_END) {
      throw SmeltException.usage(
          "--keep works with --mode end-to-end only", "one threshold stands for all layers");
    }
    if (keep.isPresent() && train == TrainedTensors.ROUTER) {
      throw SmeltException.usage(
          "--keep prunes what is trained, and --train router trains no neurons",
          "use --train factors, experts or all");
    }
  }
}
