package dev.smelt.cli.comparison;

import dev.smelt.cli.Version;
import dev.smelt.cli.comparison.ComparisonReport.Failure;
import dev.smelt.cli.comparison.ComparisonReport.Result;
import dev.smelt.cli.pipeline.Calibration;
import dev.smelt.cli.pipeline.EvaluationResult;
import dev.smelt.cli.pipeline.Evaluator;
import dev.smelt.cli.pipeline.OutputForm;
import dev.smelt.cli.pipeline.ReducerChoice;
import dev.smelt.cli.pipeline.ReductionOutcome;
import dev.smelt.cli.pipeline.ReductionReport.LayerReport;
import dev.smelt.cli.pipeline.ReductionTask;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.ExpertCount;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Reduces a model in several ways, measures each, and writes a report and a chart.
 *
 * <p>The statistics of one pass over the calibration text serve every method that is not
 * sequential, and every ratio; sequential methods and repairs stream the text once each. A reduced
 * model is removed as soon as it is measured, unless it is to be kept. The report is written anew
 * after each result, so that what was measured before an interruption is there.
 *
 * @param session the opened source
 * @param reopen opens a reduced model in the same way
 * @param calibration what to calibrate on
 * @param validation what to measure losses on
 * @param contenders the methods
 * @param ratios shares of the experts to remove
 * @param directory where everything is written
 * @param keepModels whether reduced models stay
 */
public record Comparison(
    Session session,
    Function<Path, Session> reopen,
    Calibration calibration,
    List<String> validation,
    List<Contender> contenders,
    List<Double> ratios,
    ComparisonDirectory directory,
    boolean keepModels) {

  /** Copies the lists; refuses ratios and repairs that do not fit the model. */
  public Comparison {
    validation = List.copyOf(validation);
    contenders = List.copyOf(contenders);
    ratios = ratios.stream().distinct().sorted().toList();
    MoeModel model = session.model();
    ratios.forEach(ratio -> ExpertCount.ofRatio(model, ratio));
    contenders.forEach(contender -> contender.repair().requireFits(model));
  }

  /**
   * Runs everything.
   *
   * @param finished is told a line for each result
   */
  public ComparisonReport run(Consumer<String> finished) {
    Result original = original();
    long start = System.nanoTime();
    RoutingStatistics statistics = calibration.run(session);
    double seconds = (System.nanoTime() - start) / 1e9;
    directory.create();
    directory.write(statistics);
    ComparisonReport report = begun(original, statistics, seconds);
    directory.write(report);
    finished.accept(new ComparisonText(report).line(report.original()));
    for (double ratio : ratios) {
      for (Contender contender : contenders) {
        report = contend(report, new Try(contender, ratio, statistics), finished);
        directory.write(report);
      }
    }
    return report;
  }

  private ComparisonReport begun(
      Result original, RoutingStatistics statistics, double calibrationSeconds) {
    MoeModel model = session.model();
    return new ComparisonReport(
        Version.number(),
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        calibration.text(),
        statistics.origin(),
        calibrationSeconds,
        validation,
        calibration.length(),
        Torch.threads(),
        original,
        List.of(),
        List.of());
  }

  /** A method at a ratio, and what is known of the source. */
  private record Try(Contender contender, double ratio, RoutingStatistics statistics) {
    String name() {
      return contender.name();
    }
  }

  private ComparisonReport contend(ComparisonReport report, Try next, Consumer<String> finished) {
    try {
      Result result = result(next);
      finished.accept(new ComparisonText(report).line(result));
      return report.with(result);
    } catch (SmeltException e) {
      if (!isOfMethod(e) || (report.results().isEmpty() && isLast(next))) {
        throw e;
      }
      finished.accept(
          "%s, ratio %s: not possible: %s".formatted(next.name(), next.ratio(), e.getMessage()));
      return report.with(new Failure(next.name(), next.ratio(), e.getMessage()));
    }
  }

  private boolean isLast(Try next) {
    return next.ratio() == ratios.getLast() && next.contender().equals(contenders.getLast());
  }

  /** A method that does not go with this model or size must not spoil the others. */
  private static boolean isOfMethod(SmeltException e) {
    return switch (e.fault()) {
      case USAGE, UNSUPPORTED, CHECKPOINT -> true;
      default -> false;
    };
  }

  private Result original() {
    MoeModel model = session.model();
    int experts = model.moeLayers().getFirst().experts().count();
    return result("original", 0, experts, model.checkpoint().totalBytes(), losses(session), 1, 0);
  }

  private Result result(Try next) {
    int experts = ExpertCount.ofRatio(session.model(), next.ratio());
    Path target = directory.model(next.name(), experts);
    ReducerChoice choice = next.contender().choice(experts);
    ReductionOutcome outcome =
        new ReductionTask(
                session,
                choice,
                Optional.of(directory.statistics()),
                calibration,
                next.contender().repair(),
                choice.sequential() && session.model().addsExperts(),
                OutputForm.DEFAULT,
                Optional.empty())
            .run(target, new WriterOptions(Long.MAX_VALUE, true), Optional.empty());
    double seconds = outcome.seconds().values().stream().mapToDouble(Double::doubleValue).sum();
    List<Double> losses;
    try (Session reduced = reopen.apply(target)) {
      losses = losses(reduced);
    }
    if (!keepModels) {
      directory.remove(target);
    }
    double gates = keptGateMass(outcome.report().layers(), next.statistics());
    long bytes = outcome.report().bytesAfter();
    return result(next.name(), next.ratio(), experts, bytes, losses, gates, seconds);
  }

  private static Result result(
      String method,
      double ratio,
      int experts,
      long bytes,
      List<Double> losses,
      double gates,
      double seconds) {
    double loss = losses.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    return new Result(method, ratio, experts, bytes, loss, Math.exp(loss), losses, gates, seconds);
  }

  private List<Double> losses(Session opened) {
    return Evaluator.run(opened, validation, calibration.length()).files().stream()
        .map(EvaluationResult.FileLoss::loss)
        .toList();
  }

  private static double keptGateMass(List<LayerReport> layers, RoutingStatistics statistics) {
    return layers.stream()
        .mapToDouble(layer -> share(layer, statistics.layer(layer.layer())))
        .average()
        .orElse(0);
  }

  private static double share(LayerReport layer, LayerStatistics statistics) {
    double all = Arrays.stream(statistics.gateSum()).sum();
    double kept =
        layer.groups().stream().mapToDouble(g -> statistics.gateSum()[g.dominant()]).sum();
    return all == 0 ? 0 : kept / all;
  }
}
