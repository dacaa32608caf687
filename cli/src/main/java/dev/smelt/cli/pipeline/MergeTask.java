package dev.smelt.cli.pipeline;

import dev.smelt.cli.recipe.Recipe;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.merge.MergeMethod;
import dev.smelt.merge.MergeOptions;
import dev.smelt.merge.MergePlan;
import dev.smelt.merge.Merging;
import dev.smelt.merge.Merging.LayerAlignment;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.StatisticsFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One merge from statistics to a written checkpoint.
 *
 * @param session the opened source
 * @param method how to group and merge
 * @param options what the user chose
 * @param statistics a file of routing statistics; without one the model is calibrated first
 * @param calibration what to calibrate on
 */
public record MergeTask(
    Session session,
    MergeMethod method,
    MergeOptions options,
    Optional<Path> statistics,
    Calibration calibration) {

  /** Reads the statistics or gathers them. */
  public RoutingStatistics gather(Stopwatch stopwatch) {
    return statistics
        .map(this::read)
        .orElseGet(() -> stopwatch.time("calibrate", () -> calibration.run(session)));
  }

  private RoutingStatistics read(Path file) {
    RoutingStatistics read = StatisticsFile.read(file);
    read.requireMatch(session.model(), file.toString());
    return read;
  }

  /** Plans, merges and writes; the output appears when all of it is verified. */
  public MergeOutcome run(Path target, WriterOptions writerOptions, Optional<String> recipe) {
    Stopwatch stopwatch = new Stopwatch();
    RoutingStatistics gathered = gather(stopwatch);
    MoeModel model = session.model();
    Merging merging = new Merging(model, gathered, method, options);
    MergePlan plan = stopwatch.time("plan", merging::plan);
    try (ReductionWriter writer =
        ReductionWriter.create(model, target, plan.reductions(), writerOptions)) {
      List<LayerAlignment> alignments = stopwatch.time("merge", () -> write(merging, plan, writer));
      MergeReport report = MergeReport.of(session, gathered.origin(), plan, alignments, stopwatch);
      writer.writeFile(MergeReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(model, report));
      writer.writeFile(Recipe.FILE_NAME, recipe.orElseGet(() -> EffectiveRecipe.of(this)));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      return new MergeOutcome(report, written, stopwatch.seconds());
    }
  }

  private List<LayerAlignment> write(Merging merging, MergePlan plan, ReductionWriter writer) {
    return session.showing(
        "merging", plan.layers().size(), progress -> merging.write(plan, writer, progress));
  }
}
