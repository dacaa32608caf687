package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.io.SmeltException;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.merge.LayerAlignment;
import dev.smelt.merge.OutputKind;
import dev.smelt.merge.PredictionLayers;
import dev.smelt.merge.ReducePlan;
import dev.smelt.merge.Reducer;
import dev.smelt.merge.Reduction;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReducedOutput;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.RoutingStatistics.Origin;
import dev.smelt.routing.StatisticsFile;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.repair.ReductionState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From a model to a written checkpoint with fewer experts.
 *
 * @param session the opened source
 * @param choice how experts are reduced
 * @param statistics a file of routing statistics; without one the model is calibrated first
 * @param calibration what to calibrate and repair on
 * @param repair what is done to each reduced layer
 * @param form of the output
 * @param resume where finished layers of a repair are stored, so that it can go on
 */
public record ReductionTask(
    Session session,
    ReducerChoice choice,
    Optional<Path> statistics,
    Calibration calibration,
    Repair repair,
    OutputForm form,
    Optional<Path> resume) {
  /** Refuses choices that do not fit the model. */
  public ReductionTask {
    form.requireFits(session.model());
  }

  /** Reads the statistics or gathers them, and makes the reducer. */
  public Reducer reducer(Stopwatch stopwatch) {
    return choice.create().of(session, gathered(stopwatch));
  }

  private RoutingStatistics gathered(Stopwatch stopwatch) {
    if (!choice.needsStatistics()) {
      return none();
    }
    return statistics
        .map(this::read)
        .orElseGet(() -> stopwatch.time("calibrate", () -> calibration.run(session)));
  }

  private RoutingStatistics none() {
    MoeModel model = session.model();
    Origin origin =
        new Origin(
            Version.number(),
            model.checkpoint().fingerprint(),
            "",
            session.seed(),
            0,
            0,
            session.compute().code(),
            model.architecture().hidden(),
            model.architecture().topK());
    return new RoutingStatistics(origin, List.of());
  }

  private RoutingStatistics read(Path file) {
    RoutingStatistics read = StatisticsFile.read(file);
    read.requireMatch(session.model(), file.toString());
    return read;
  }

  /** Plans, reduces and writes; the output appears when all of it is verified. */
  public ReductionOutcome run(Path target, WriterOptions options, Optional<String> recipe) {
    Stopwatch stopwatch = new Stopwatch();
    Reducer reducer = reducer(stopwatch);
    ReducePlan plan = stopwatch.time("plan", reducer::plan);
    boolean repaired = repair != Repair.NONE;
    requireCompactFits(plan);
    try (ReducedOutput writer = open(plan, target, options)) {
      Reduction reduction = new Reduction(reducer, plan, writer);
      List<LayerAlignment> alignments = repaired ? List.of() : merged(reduction, stopwatch);
      List<LayerRepair> repairs = repaired ? repaired(reduction, stopwatch) : List.of();
      Origin origin = reducer.statistics().origin();
      ReductionReport report =
          ReductionReport.of(this, origin, plan, writer.bytes(), alignments, repairs, stopwatch);
      writer.writeFile(ReductionReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(session.model(), report));
      writer.writeFile(Recipe.FILE_NAME, recipe.orElseGet(() -> EffectiveRecipe.of(this, plan)));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      return new ReductionOutcome(report, written, stopwatch.seconds());
    }
  }

  private ReducedOutput open(ReducePlan plan, Path target, WriterOptions options) {
    MoeModel model = session.model();
    return plan.output().isCompact()
        ? CompactWriter.create(model, target, plan.compactForms(model), reductions(plan), options)
        : ReductionWriter.create(model, target, reductions(plan), form.export(), options);
  }

  private void requireCompactFits(ReducePlan plan) {
    if (plan.output() == OutputKind.REDIRECTED && repair != Repair.NONE) {
      throw SmeltException.usage(
          "--router redirect does not go with --repair " + repair.option(),
          "add --repair none; smelt recover trains the experts afterwards");
    }
    if (plan.output().isCompact() && !form.export().equals(ExportOptions.DEFAULTS)) {
      throw SmeltException.usage(
          "the compact form is without quantised experts and further predicted tokens",
          "leave out --requantise and --mtp");
    }
  }

  /** What the writer must know of a plan. */
  private List<LayerReduction> reductions(ReducePlan plan) {
    List<LayerReduction> all = new ArrayList<>(plan.reductions(repair != Repair.NONE));
    if (form.reducePrediction()) {
      all.addAll(PredictionLayers.reductions(session.model(), plan.experts()));
    }
    return all;
  }

  /** Bytes of all tensors of the output of a plan. */
  long bytesAfter(ReducePlan plan) {
    MoeModel model = session.model();
    if (plan.output().isCompact()) {
      return CompactWriter.planned(model, plan.compactForms(model), reductions(plan)).stream()
          .mapToLong(TensorInfo::bytes)
          .sum();
    }
    return ReductionWriter.plannedBytes(session.model(), reductions(plan), form.export());
  }

  private List<LayerAlignment> merged(Reduction reduction, Stopwatch stopwatch) {
    ReducePlan plan = reduction.plan();
    return stopwatch.time(
        plan.command(), () -> session.showing(verb(plan), plan.layers().size(), reduction::run));
  }

  private static String verb(ReducePlan plan) {
    return plan.command().equals("merge") ? "merging" : "dropping";
  }

  private List<LayerRepair> repaired(Reduction reduction, Stopwatch stopwatch) {
    CalibrationSet set = calibration.draw(session);
    List<TokenBatch> batches =
        TokenBatch.split(
            set.sequences().stream().map(s -> s.tokens()).toList(), session.batchTokens());
    ReductionState state =
        resume
            .map(directory -> ReductionState.open(directory, key(reduction.plan(), set)))
            .orElseGet(ReductionState::none);
    List<LayerRepair> repairs =
        stopwatch.time(
            repair.option(),
            () ->
                session.showing(
                    repair == Repair.FIT ? "fitting" : "refitting",
                    reduction.plan().layers().size(),
                    progress ->
                        reduction.repaired(
                            repair.options(),
                            session.compute(),
                            session.seed(),
                            batches,
                            state,
                            progress)));
    state.discard();
    return repairs;
  }

  /** Everything that decides the result of a repair. */
  private String key(ReducePlan plan, CalibrationSet set) {
    return String.join(
        " ",
        session.model().checkpoint().fingerprint(),
        set.hash(),
        plan.command(),
        plan.layers().toString(),
        plan.options().toString(),
        repair.option(),
        form.toString(),
        session.compute().code(),
        String.valueOf(session.seed()));
  }
}
