package dev.smelt.cli.pipeline;

import dev.smelt.cli.pipeline.ReducerChoice.Knowledge;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.merge.DecisionStore;
import dev.smelt.merge.LayerAlignment;
import dev.smelt.merge.LayerDecision;
import dev.smelt.merge.OutputKind;
import dev.smelt.merge.Planning;
import dev.smelt.merge.PredictionLayers;
import dev.smelt.merge.ReducePlan;
import dev.smelt.merge.Reducer;
import dev.smelt.merge.Reduction;
import dev.smelt.merge.ReductionStream;
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
 * <p>The text passes the model as seldom as possible: without a repair once, for the statistics;
 * with a repair once too, because each layer is planned while the tokens pass it.
 *
 * @param session the opened source
 * @param choice how experts are reduced
 * @param statistics a file of routing statistics; without one the model is calibrated first
 * @param calibration what to calibrate and repair on
 * @param repair what is done to each reduced layer
 * @param sequential whether each layer is planned on what the reduced model feeds it
 * @param form of the output
 * @param resume where finished layers of a repair are stored, so that it can go on
 */
public record ReductionTask(
    Session session,
    ReducerChoice choice,
    Optional<Path> statistics,
    Calibration calibration,
    Repair repair,
    boolean sequential,
    OutputForm form,
    Optional<Path> resume) {
  /** Refuses choices that do not fit the model. */
  public ReductionTask {
    form.requireFits(session.model());
  }

  /** Whether layers are reduced in a stream of the calibration text. */
  boolean streams() {
    return repair != Repair.NONE || sequential;
  }

  /** Which model layers are planned on, unless statistics say it, or nothing is looked at. */
  Optional<String> planOn() {
    return Optional.of(sequential ? "reduced" : "original")
        .filter(_ -> sequential || (choice.needsStatistics() && statistics.isEmpty()));
  }

  /** When layers are planned in a stream; what it can gather itself needs no pass of its own. */
  private Planning planning() {
    if (sequential) {
      return Planning.REDUCED;
    }
    boolean inStream = statistics.isEmpty() && choice.needs() == Knowledge.LAYER;
    return inStream ? Planning.ORIGINAL : Planning.BEFORE;
  }

  /** What the work begins with: a plan, or its outline if layers are planned in the stream. */
  record Prepared(Reducer reducer, ReducePlan plan, Planning planning) {}

  Prepared prepared(Stopwatch stopwatch) {
    // Refuses what cannot work before the text passes the model.
    Reducer unknowing = choice.create().of(session, none());
    Planning planning = streams() ? planning() : Planning.BEFORE;
    if (planning != Planning.BEFORE) {
      return new Prepared(unknowing, unknowing.outline(), planning);
    }
    Reducer reducer = reducer(stopwatch);
    return new Prepared(reducer, stopwatch.time("plan", reducer::plan), planning);
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
    return new RoutingStatistics(Calibration.originWithoutTokens(session), List.of());
  }

  private RoutingStatistics read(Path file) {
    RoutingStatistics read = StatisticsFile.read(file);
    read.requireMatch(session.model(), file.toString());
    return read;
  }

  /** Plans, reduces and writes; the output appears when all of it is verified. */
  public ReductionOutcome run(Path target, WriterOptions options, Optional<String> recipe) {
    Stopwatch stopwatch = new Stopwatch();
    Prepared prepared = prepared(stopwatch);
    requireCompactFits(prepared.plan());
    try (ReducedOutput writer = open(prepared.plan(), target, options)) {
      Reduction reduction = new Reduction(prepared.reducer(), prepared.plan(), writer);
      Done done =
          streams()
              ? streamed(reduction, prepared.planning(), stopwatch)
              : planned(reduction, stopwatch);
      ReductionReport report =
          ReductionReport.of(
              this,
              done.origin(),
              done.plan(),
              writer.bytes(),
              done.alignments(),
              done.repairs(),
              stopwatch);
      writer.writeFile(ReductionReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(session.model(), report));
      writer.writeFile(
          Recipe.FILE_NAME, recipe.orElseGet(() -> EffectiveRecipe.of(this, done.plan())));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      done.state().discard();
      return new ReductionOutcome(report, written, stopwatch.seconds());
    }
  }

  /** What a reduction did. */
  private record Done(
      ReducePlan plan,
      Origin origin,
      List<LayerAlignment> alignments,
      List<LayerRepair> repairs,
      ReductionState state) {}

  private ReducedOutput open(ReducePlan plan, Path target, WriterOptions options) {
    MoeModel model = session.model();
    return plan.output().isCompact()
        ? CompactWriter.create(model, target, plan.compactForms(model), reductions(plan), options)
        : ReductionWriter.create(model, target, reductions(plan), form.export(), options);
  }

  private void requireCompactFits(ReducePlan plan) {
    if (plan.output() == OutputKind.REDIRECTED && streams()) {
      throw SmeltException.usage(
          "--router redirect does not go with "
              + (repair == Repair.NONE ? "--plan-on reduced" : "--repair " + repair.option()),
          "leave that out, or choose none; smelt recover trains the experts afterwards");
    }
    if (plan.output().isCompact() && !form.export().equals(ExportOptions.DEFAULTS)) {
      throw SmeltException.usage(
          "the compact form is without quantised experts and further predicted tokens",
          "leave out --requantise and --mtp");
    }
  }

  /** What the writer must know of a plan. */
  private List<LayerReduction> reductions(ReducePlan plan) {
    List<LayerReduction> all = new ArrayList<>(plan.reductions(streams()));
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

  private Done planned(Reduction reduction, Stopwatch stopwatch) {
    ReducePlan plan = reduction.plan();
    String verb = plan.command().equals("merge") ? "merging" : "dropping";
    List<LayerAlignment> alignments =
        stopwatch.time(
            plan.command(), () -> session.showing(verb, plan.layers().size(), reduction::run));
    Origin origin = reduction.reducer().statistics().origin();
    return new Done(plan, origin, alignments, List.of(), ReductionState.none());
  }

  private Done streamed(Reduction reduction, Planning planning, Stopwatch stopwatch) {
    CalibrationSet set = calibration.draw(session);
    ReductionState state =
        resume
            .map(directory -> ReductionState.open(directory, key(reduction, planning, set)))
            .orElseGet(ReductionState::none);
    DecisionStore decisions = new DecisionStore(resume);
    ReductionStream stream = stream(set, planning);
    List<LayerRepair> repairs =
        stopwatch.time(
            repair == Repair.NONE ? reduction.plan().command() : repair.option(),
            () ->
                session.showing(
                    verb(),
                    reduction.plan().layers().size(),
                    progress -> reduction.streamed(stream, state, decisions, progress)));
    List<LayerDecision> decided = decisions.of(session.model().moeLayers());
    return new Done(
        reduction.reducer().described(decided.stream().map(LayerDecision::plan).toList()),
        origin(reduction.reducer(), planning, set),
        decided.stream().map(LayerDecision::alignment).toList(),
        repairs,
        state);
  }

  private Origin origin(Reducer reducer, Planning planning, CalibrationSet set) {
    return planning == Planning.BEFORE
        ? reducer.statistics().origin()
        : calibration.origin(session, set);
  }

  private String verb() {
    return switch (repair) {
      case NONE -> "reducing";
      case REFIT -> "refitting";
      case FIT -> "fitting";
    };
  }

  ReductionStream stream(CalibrationSet set, Planning planning) {
    return new ReductionStream(
        planning,
        repair.options(set.tokens()),
        streamType(),
        session.seed(),
        calibration.sample(),
        TokenBatch.split(set.tokenIds(), session.batchTokens()));
  }

  /** Experts that are not repaired must not lose digits on their way through the stream. */
  private Dtype streamType() {
    boolean same =
        session.model().moeLayers().stream()
            .flatMap(moe -> moe.experts().tensors().stream())
            .allMatch(tensor -> tensor.dtype().equals(session.compute()));
    return repair != Repair.NONE || same ? session.compute() : Dtype.F32;
  }

  /** Everything that decides the result of a stream. */
  private String key(Reduction reduction, Planning planning, CalibrationSet set) {
    ReducePlan plan = reduction.plan();
    return String.join(
        " ",
        session.model().checkpoint().fingerprint(),
        set.hash(),
        planning.name(),
        String.valueOf(calibration.sample()),
        plan.command(),
        plan.method(),
        plan.layers().toString(),
        plan.options().toString(),
        repair.option(),
        form.toString(),
        session.compute().code(),
        String.valueOf(session.seed()));
  }
}
