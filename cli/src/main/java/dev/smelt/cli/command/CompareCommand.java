package dev.smelt.cli.command;

import dev.smelt.cli.comparison.Comparison;
import dev.smelt.cli.comparison.ComparisonDirectory;
import dev.smelt.cli.comparison.ComparisonReport;
import dev.smelt.cli.comparison.ComparisonText;
import dev.smelt.cli.comparison.Contender;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.pipeline.Repair;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Compares ways to fewer experts. */
@Command(
    name = "compare",
    description = {
      "Reduce a model in several ways to several sizes, measure each, and draw which are worth"
          + " having.",
      "Example: smelt compare MODEL --text calibration.txt --validation validation.txt"
          + " --ratios 0.25,0.5,0.75 -o COMPARISON"
    })
public final class CompareCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "Directory, or id in the local hub cache.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      order = 1,
      required = true,
      paramLabel = "DIR",
      description = "Directory for the table, the chart, JSON and the routing statistics.")
  private Path output = Path.of("");

  @Option(
      names = "--validation",
      arity = "1..*",
      required = true,
      order = 2,
      paramLabel = "FILE",
      description = "Text to measure on. The loss is the mean over files.")
  private List<String> validation = new ArrayList<>();

  @Option(
      names = "--ratios",
      order = 3,
      split = ",",
      paramLabel = "R",
      defaultValue = "0.25,0.5,0.75",
      description = "Shares of the experts to remove, with commas. Default: ${DEFAULT-VALUE}.")
  private List<Double> ratios = new ArrayList<>();

  @Option(
      names = "--methods",
      order = 4,
      paramLabel = "NAMES",
      defaultValue = Contender.DEFAULTS,
      description =
          "Criteria of drop and methods of merge, with commas; +refit or +fit after a name adds"
              + " the repair. Default: ${DEFAULT-VALUE}.")
  private String methods = "";

  @Option(names = "--keep-models", order = 5, description = "Keep the reduced models.")
  private boolean keepModels;

  @Option(names = "--force", order = 6, description = "Write into a directory that is not empty.")
  private boolean force;

  @Option(names = "--json", order = 7, description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private SampleOptions sample = new SampleOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** A command that prints to this console. */
  public CompareCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (!text.isGiven()) {
      throw SmeltException.usage(
          "--text is missing", "name the text to calibrate on, such as --text calibration.txt");
    }
    List<Contender> contenders = Contender.parse(methods);
    ComparisonDirectory directory = new ComparisonDirectory(output);
    if (!force) {
      directory.requireEmpty();
    }
    // All methods see the same text, whichever of them are repaired.
    boolean repairs = contenders.stream().anyMatch(c -> c.repair() != Repair.NONE);
    try (Session session = Session.open(console, model, compute)) {
      Comparison comparison =
          new Comparison(
              session,
              path -> Session.open(console, path.toString(), compute),
              text.calibration(sample.sample(), session, repairs),
              validation,
              contenders,
              ratios,
              directory,
              keepModels);
      print(comparison.run(console::info));
    }
    return 0;
  }

  private void print(ComparisonReport report) {
    ComparisonText words = new ComparisonText(report);
    if (json) {
      console.result(Json.text(report));
    } else {
      console.result(words.table().toString());
      words.remarks().forEach(console::info);
    }
    console.info(
        "written: %s (%s)".formatted(output, String.join(", ", ComparisonDirectory.FILES)));
  }
}
