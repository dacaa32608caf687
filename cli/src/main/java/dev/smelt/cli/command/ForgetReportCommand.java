package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.pipeline.ForgetReport;
import dev.smelt.cli.pipeline.ForgetReportTable;
import dev.smelt.cli.pipeline.ForgetReportTask;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.TofuFiles;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures what a model has forgotten. */
@Command(
    name = "forget-report",
    description = {
      "Measure what was forgotten and what was kept, and whether it is gone or only hidden.",
      "Example: smelt forget-report BEFORE AFTER --forget forget.txt --retain retain.txt"
    })
public final class ForgetReportCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(index = "0", paramLabel = "BEFORE", description = "The model as it was.")
  private String before = "";

  @Parameters(index = "1", paramLabel = "AFTER", description = "The model that has forgotten.")
  private String after = "";

  @Option(
      names = "--forget",
      arity = "1..*",
      required = true,
      order = 101,
      paramLabel = "FILE",
      description = "Text that was to be forgotten: .txt, .jsonl, .npy or .safetensors files.")
  private List<String> forget = new ArrayList<>();

  @Option(
      names = "--retain",
      arity = "1..*",
      required = true,
      order = 102,
      paramLabel = "FILE",
      description = "Text that was to be kept.")
  private List<String> retain = new ArrayList<>();

  @Option(
      names = "--holdout",
      arity = "1..*",
      order = 103,
      paramLabel = "FILE",
      description =
          "Text of the same kind as the forget set that the model was never trained on: for"
              + " membership inference.")
  private List<String> holdout = new ArrayList<>();

  @Option(
      names = "--length",
      order = 104,
      paramLabel = "L",
      defaultValue = "512",
      converter = PositiveInteger.class,
      description = "Tokens per window. Default: ${DEFAULT-VALUE}.")
  private int length;

  @Option(
      names = "--windows",
      order = 105,
      paramLabel = "N",
      defaultValue = "64",
      converter = PositiveInteger.class,
      description =
          "Windows of each set at most, spread evenly over its files. Default: ${DEFAULT-VALUE}.")
  private int windows;

  @Option(
      names = "--continuations",
      order = 106,
      paramLabel = "N",
      defaultValue = "16",
      converter = PositiveInteger.OrZero.class,
      description =
          "Windows of each set whose beginning is continued by up to 200 tokens; 0 for none."
              + " Default: ${DEFAULT-VALUE}.")
  private int continuations;

  @Option(
      names = "--relearn",
      order = 107,
      paramLabel = "N",
      defaultValue = "20",
      converter = PositiveInteger.OrZero.class,
      description =
          "Steps in which all weights are fine-tuned on half of the forget set, in memory; 0 for"
              + " none. Default: ${DEFAULT-VALUE}.")
  private int relearn;

  @Option(
      names = "--relearn-lr",
      order = 108,
      paramLabel = "RATE",
      defaultValue = "1e-4",
      description = "Learning rate of that fine-tuning. Default: ${DEFAULT-VALUE}.")
  private double relearnRate;

  @Option(
      names = "--reference",
      order = 120,
      paramLabel = "RETRAINED",
      description = "A model trained without the forget set, for TOFU's forget quality.")
  private Optional<String> reference = Optional.empty();

  @Option(
      names = "--tofu-forget",
      order = 121,
      paramLabel = "FILE",
      description = "Questions about what was forgotten, with wrong answers, in TOFU's JSON.")
  private Optional<Path> tofuForget = Optional.empty();

  @Option(
      names = "--tofu-retain",
      order = 122,
      paramLabel = "FILE",
      description = "Questions about what was kept, likewise.")
  private Optional<Path> tofuRetain = Optional.empty();

  @Option(
      names = "--tofu-authors",
      order = 123,
      paramLabel = "FILE",
      description = "Questions about real authors, likewise.")
  private Optional<Path> tofuAuthors = Optional.empty();

  @Option(
      names = "--tofu-facts",
      order = 124,
      paramLabel = "FILE",
      description = "Questions about the world, likewise.")
  private Optional<Path> tofuFacts = Optional.empty();

  @Option(names = "--json", order = 130, description = "Print JSON instead of tables.")
  private boolean json;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public ForgetReportCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    ForgetReport report = report();
    if (json) {
      console.result(Json.text(report));
    } else {
      console.result(ForgetReportTable.of(report).toString());
      ForgetReportTable.remarks(report).forEach(console::info);
    }
    return 0;
  }

  /** Measures without printing. */
  public ForgetReport report() {
    if (!(relearnRate > 0) || Double.isInfinite(relearnRate)) {
      throw SmeltException.usage(
          "--relearn-lr " + relearnRate + ": expected a number above 0", "write it like 1e-4");
    }
    TofuFiles tofu = new TofuFiles(tofuForget, tofuRetain, tofuAuthors, tofuFacts, reference);
    tofu.check();
    try (Session old = Session.open(console, before, compute);
        Session now = Session.open(console, after, compute)) {
      return new ForgetReportTask(
              forget, retain, holdout, length, windows, continuations, relearn, relearnRate, tofu)
          .run(old, now, compute);
    }
  }
}
