package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.CompressionOutcome;
import dev.smelt.cli.pipeline.CompressionRequest;
import dev.smelt.cli.pipeline.DryRun;
import dev.smelt.cli.pipeline.OutputForm;
import dev.smelt.cli.pipeline.ReducedCompression;
import dev.smelt.cli.pipeline.ReducerChoice;
import dev.smelt.cli.pipeline.ReducerChoice.Knowledge;
import dev.smelt.cli.pipeline.ReductionOutcome;
import dev.smelt.cli.pipeline.ReductionTask;
import dev.smelt.cli.pipeline.Repair;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.ExpertCount;
import dev.smelt.model.MoeModel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the commands that leave fewer experts have in common. */
public abstract class ReducingCommand implements Callable<Integer> {
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
      names = "--statistics",
      order = 20,
      paramLabel = "FILE",
      description =
          "Routing statistics of `smelt calibrate`; without them --text is calibrated on.")
  private Optional<Path> statistics = Optional.empty();

  @Option(
      names = "--repair",
      order = 21,
      paramLabel = "HOW",
      converter = KebabCase.ToRepair.class,
      description =
          "What is done to each reduced layer: fit (down projections in closed form, then a short"
              + " gradient fit), refit (the closed form alone) or none. Needs --text. Default: fit"
              + " with --text where the layers allow it, else none.")
  private Optional<Repair> repair = Optional.empty();

  @Option(
      names = "--plan-on",
      order = 22,
      paramLabel = "WHAT",
      converter = KebabCase.ToPlanOn.class,
      description =
          "What each layer is planned on: original (what the original model feeds it) or reduced"
              + " (what the layers before it, already reduced, feed it; needs --text). Default:"
              + " reduced for ream with --text, else original.")
  private Optional<PlanOn> planOn = Optional.empty();

  @Option(
      names = "--resume",
      order = 23,
      paramLabel = "DIR",
      description =
          "Store finished layers of a repair, or of a plan on the reduced model, here, and go on"
              + " after the last one if there are any.")
  private Optional<Path> resume = Optional.empty();

  @Option(
      names = "--dry-run",
      order = 24,
      description = "Print the plan and what it needs; write nothing.")
  private boolean dryRun;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private SampleOptions sample = new SampleOptions();
  @Mixin private FormOptions form = new FormOptions();
  @Mixin private OutputOptions writing = new OutputOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  ReducingCommand(Console console) {
    this.console = console;
  }

  /** How experts are reduced. */
  abstract ReducerChoice choice();

  /** Whether layers are repaired unless the user says otherwise. */
  boolean repairs() {
    return true;
  }

  @Override
  public final Integer call() {
    if (dryRun) {
      return run(
          task -> {
            DryRun.print(task);
            return 0;
          });
    }
    ReductionOutcome outcome = reduce(Optional.empty());
    console.result(outcome.table().toString());
    outcome.remarks().forEach(console::info);
    console.info("written: " + outcome.written().directory());
    console.info("next: smelt evaluate " + outcome.written().directory() + " --text FILE");
    return 0;
  }

  /**
   * Reduces and writes.
   *
   * @param recipe the recipe to write beside the weights; without one this command becomes one
   */
  public final ReductionOutcome reduce(Optional<String> recipe) {
    Path target = target();
    WriterOptions options = writing.options();
    return run(task -> task.run(target, options, recipe));
  }

  /**
   * Reduces and compresses in one pass, and writes.
   *
   * @param request how the experts that are left are compressed
   * @param recipe the recipe to write beside the weights
   */
  public CompressionOutcome reduceAndCompress(CompressionRequest request, String recipe) {
    Path target = target();
    WriterOptions options = writing.options();
    return run(task -> new ReducedCompression(task, request).run(target, options, recipe));
  }

  private Path target() {
    Path target =
        output.orElseThrow(
            () -> SmeltException.usage("-o is missing", "name the directory to write"));
    CheckpointWriter.requireTarget(target, writing.options().force());
    return target;
  }

  private <T> T run(Function<ReductionTask, T> work) {
    ReducerChoice choice = choice();
    requireText(choice);
    OutputForm chosenForm = form.form();
    try (Session session = Session.open(console, model, compute, chosenForm.ungroup())) {
      count(session.model());
      Repair chosenRepair = repair(session.model());
      boolean sequential = sequential(choice, session.model());
      requireStream(chosenRepair, sequential);
      return work.apply(
          new ReductionTask(
              session,
              choice,
              statistics,
              text.calibration(sample.sample(), session, chosenRepair != Repair.NONE),
              chosenRepair,
              sequential,
              chosenForm,
              resume));
    }
  }

  /** Whether layers are planned on the reduced model: as asked for, else as the method has it. */
  private boolean sequential(ReducerChoice choice, MoeModel opened) {
    boolean usual =
        choice.sequential()
            && choice.needs() == Knowledge.LAYER
            && text.isGiven()
            && statistics.isEmpty()
            && opened.addsExperts();
    boolean sequential = planOn.map(plan -> plan == PlanOn.REDUCED).orElse(usual);
    if (sequential && !text.isGiven()) {
      throw SmeltException.usage(
          "--plan-on reduced needs the calibration text, statistics are not enough",
          "add --text FILE, or choose --plan-on original");
    }
    if (sequential && statistics.isPresent()) {
      throw SmeltException.usage(
          "--plan-on reduced gathers statistics of its own, --statistics would not be used",
          "leave out one of the two");
    }
    if (sequential && choice.needs() != Knowledge.LAYER) {
      throw SmeltException.usage(
          choice.needsStatistics()
              ? "--plan-on reduced: statistics of all layers are needed before the first is reduced"
              : "--plan-on reduced: this criterion looks at weights alone",
          "choose --plan-on original");
    }
    if (sequential && !opened.addsExperts()) {
      throw SmeltException.unsupported(
          "--plan-on reduced: layers of %s do more with the output of their experts than to add it"
              .formatted(opened.architecture().family().modelType()),
          "choose --plan-on original");
    }
    return sequential;
  }

  private void requireStream(Repair chosen, boolean sequential) {
    if (resume.isPresent() && chosen == Repair.NONE && !sequential) {
      throw SmeltException.usage(
          "--resume: without a repair, or a plan on the reduced model, there is nothing to go on"
              + " with",
          "leave it out");
    }
  }

  /** The repair that was asked for; else fit, where there is text and the layers allow it. */
  private Repair repair(MoeModel opened) {
    repair.orElse(Repair.NONE).requireFits(opened);
    boolean usual = text.isGiven() && repairs();
    if (repair.isEmpty() && usual && !opened.addsExperts()) {
      console.warn(
          "layers of %s cannot be repaired: they do more with the output of their experts than to add it"
              .formatted(opened.architecture().family().modelType()));
      return Repair.NONE;
    }
    return repair.orElse(usual ? Repair.FIT : Repair.NONE);
  }

  private void requireText(ReducerChoice choice) {
    Repair chosen = repair.orElse(Repair.NONE);
    if (choice.needsStatistics() && statistics.isEmpty() && !text.isGiven()) {
      throw SmeltException.usage(
          "--text or --statistics is missing",
          "give the calibration text, or statistics that were made of one with smelt calibrate");
    }
    if (chosen != Repair.NONE && !text.isGiven()) {
      throw SmeltException.usage(
          "--repair " + chosen.option() + " needs the calibration text, statistics are not enough",
          "add --text FILE, or choose --repair none");
    }
  }

  /** The number of experts that the options ask for. */
  final int count(MoeModel opened) {
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
