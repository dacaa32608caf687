package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.DryRun;
import dev.smelt.cli.pipeline.MergeOutcome;
import dev.smelt.cli.pipeline.MergeTask;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.ExpertCount;
import dev.smelt.merge.MergeMethod;
import dev.smelt.merge.MergeMethods;
import dev.smelt.merge.MergeOptions;
import dev.smelt.merge.MergeWeights;
import dev.smelt.merge.RouterRule;
import dev.smelt.merge.Similarity;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.MoeModel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Merges experts. */
@Command(
    name = "merge",
    description = {
      "Merge the experts of every layer into fewer and write the smaller checkpoint.",
      "Example: smelt merge MODEL -o SMALLER --ratio 0.5 --text calibration.txt"
    })
public final class MergeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      paramLabel = "OUT",
      description = "The directory to write.")
  private Optional<Path> output = Optional.empty();

  @Option(
      names = "--experts",
      order = 2,
      paramLabel = "K",
      converter = PositiveInteger.class,
      description = "Experts that are left in each layer.")
  private Optional<Integer> experts = Optional.empty();

  @Option(
      names = "--ratio",
      order = 3,
      paramLabel = "R",
      description = "Share of the experts to remove, rounded down; 0.5 leaves half.")
  private Optional<Double> ratio = Optional.empty();

  @Option(
      names = "--method",
      order = 4,
      paramLabel = "NAME",
      defaultValue = "m-smoe",
      description = "m-smoe or average. Default: ${DEFAULT-VALUE}.")
  private String method = "";

  @Option(
      names = "--statistics",
      order = 5,
      paramLabel = "FILE",
      description = "Routing statistics of `smelt calibrate`, instead of --text.")
  private Optional<Path> statistics = Optional.empty();

  @Option(
      names = "--similarity",
      order = 6,
      paramLabel = "NAME",
      defaultValue = "router-logits",
      converter = KebabCase.ToSimilarity.class,
      description =
          "What puts experts into one group: router-logits, centred-router-logits,"
              + " expert-weights, router-rows or expert-outputs. Default: ${DEFAULT-VALUE}.")
  private Similarity similarity = Similarity.ROUTER_LOGITS;

  @Option(
      names = "--align",
      order = 7,
      paramLabel = "HOW",
      defaultValue = "weights",
      converter = KebabCase.ToAlignmentMode.class,
      description =
          "How neurons are matched before the average: none, weights, activations or both."
              + " Default: ${DEFAULT-VALUE}.")
  private AlignmentMode align = AlignmentMode.WEIGHTS;

  @Option(
      names = "--weights",
      order = 8,
      paramLabel = "HOW",
      defaultValue = "frequency",
      converter = KebabCase.ToMergeWeights.class,
      description =
          "How much each expert counts in its group: frequency, uniform or saliency."
              + " Default: ${DEFAULT-VALUE}.")
  private MergeWeights weights = MergeWeights.FREQUENCY;

  @Option(
      names = "--router",
      order = 9,
      paramLabel = "HOW",
      defaultValue = "dominant",
      converter = KebabCase.ToRouterRule.class,
      description =
          "Router row of a merged expert: dominant or weighted. Default: ${DEFAULT-VALUE}.")
  private RouterRule router = RouterRule.DOMINANT;

  @Option(
      names = "--dry-run",
      order = 10,
      description = "Print the plan and what it needs; write nothing.")
  private boolean dryRun;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private OutputOptions writing = new OutputOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public MergeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (dryRun) {
      return run(
          task -> {
            DryRun.print(task);
            return 0;
          });
    }
    MergeOutcome outcome = merge(Optional.empty());
    console.result(outcome.table().toString());
    console.info("written: " + outcome.written().directory());
    console.info("next: smelt evaluate " + outcome.written().directory() + " --text FILE");
    return 0;
  }

  /**
   * Merges and writes.
   *
   * @param recipe the recipe to write beside the weights; without one this command becomes one
   */
  public MergeOutcome merge(Optional<String> recipe) {
    Path target =
        output.orElseThrow(
            () -> SmeltException.usage("-o is missing", "name the directory to write"));
    WriterOptions options = writing.options();
    return run(task -> task.run(target, options, recipe));
  }

  private <T> T run(Function<MergeTask, T> work) {
    MergeMethod chosen = MergeMethods.named(method);
    if (statistics.isPresent() == text.isGiven()) {
      throw SmeltException.usage(
          statistics.isPresent()
              ? "--statistics and --text exclude each other"
              : "--text or --statistics is missing",
          "give the calibration text, or statistics that were made of one with smelt calibrate");
    }
    try (Session session = Session.open(console, model, compute)) {
      MergeOptions options =
          new MergeOptions(count(session.model()), similarity, align, weights, router);
      return work.apply(new MergeTask(session, chosen, options, statistics, text.calibration()));
    }
  }

  private int count(MoeModel opened) {
    if (experts.isPresent() == ratio.isPresent()) {
      throw SmeltException.usage(
          experts.isPresent()
              ? "--experts and --ratio exclude each other"
              : "--experts or --ratio is missing",
          "--ratio 0.5 leaves half of the experts");
    }
    return experts
        .map(count -> ExpertCount.of(opened, count))
        .orElseGet(() -> ExpertCount.ofRatio(opened, ratio.orElseThrow()));
  }
}
