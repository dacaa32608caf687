package dev.smelt.cli.pipeline;

import dev.smelt.cli.recipe.Recipe;
import dev.smelt.compress.BlockCompression;
import dev.smelt.compress.Compressor;
import dev.smelt.compress.LayerShape;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.merge.DecisionStore;
import dev.smelt.merge.LayerDecision;
import dev.smelt.merge.OutputKind;
import dev.smelt.merge.ReducePlan;
import dev.smelt.merge.Reduction;
import dev.smelt.merge.ReductionStream;
import dev.smelt.model.ModelCost;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.routing.repair.LayerRepair;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Merges, repairs and compresses every layer in one pass over the checkpoint.
 *
 * @param merge what reduces the experts
 * @param request how those that are left are compressed
 */
public record ReducedCompression(ReductionTask merge, CompressionRequest request) {
  /** Plans, merges, compresses and writes. */
  public CompressionOutcome run(Path target, WriterOptions options, String recipe) {
    Session session = merge.session();
    MoeModel model = session.model();
    Stopwatch stopwatch = new Stopwatch();
    Compressor compressor = request.method().configure(request.options());
    requireOnePass(compressor);
    ReductionTask.Prepared prepared = merge.prepared(stopwatch);
    ReducePlan plan = prepared.plan();
    requireRows(plan);
    List<LayerShape> shapes =
        plan.compactForms(model).stream().map(form -> shape(model, form)).toList();
    compressor.check(shapes);
    List<CompactForm> forms = compressor.plan(shapes, List.of());
    CalibrationSet set = merge.calibration().draw(session);
    try (CompactWriter writer =
            CompactWriter.create(model, target, forms, plan.reductions(true), options);
        BlockCompression compression =
            new BlockCompression(model, compressor, shapes, forms, writer, session.compute())) {
      Reduction reduction = new Reduction(prepared.reducer(), plan, writer);
      ReductionStream stream = merge.stream(set, prepared.planning());
      DecisionStore decisions = new DecisionStore(Optional.empty());
      List<LayerRepair> repairs =
          stopwatch.time(
              "merge and compress", () -> reduce(reduction, stream, compression, decisions));
      List<LayerDecision> decided = decisions.of(model.moeLayers());
      ReducePlan made =
          prepared.reducer().described(decided.stream().map(LayerDecision::plan).toList());
      ModelCost cost = ModelCost.of(model, forms, writer.bytes());
      CompressionReport report =
          CompressionReport.of(
                  session,
                  request,
                  Optional.of(set),
                  new CompressionReport.Output("compact", cost, writer.writer().fileBytes(options)),
                  compression.reports(),
                  stopwatch)
              .after(made, merge.repair(), repairs);
      writer.writeFile(ReductionReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(model, report));
      writer.writeFile(Recipe.FILE_NAME, recipe);
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      return new CompressionOutcome(report, written);
    }
  }

  private List<LayerRepair> reduce(
      Reduction reduction,
      ReductionStream stream,
      BlockCompression compression,
      DecisionStore decisions) {
    return merge
        .session()
        .showing(
            "merging and compressing",
            reduction.plan().layers().size(),
            progress -> reduction.finished(stream, compression, decisions, progress));
  }

  private void requireOnePass(Compressor compressor) {
    if (merge.calibration().text().isEmpty()) {
      throw SmeltException.usage(
          "merge and compress in one pass need a calibration text", "add `text:` to the recipe");
    }
    if (compressor.surveys()) {
      throw SmeltException.usage(
          "--energy and --allocation global look at all layers before, which one pass cannot",
          "use --rank or --parameter-ratio, or run compress by itself on what merge has written");
    }
    if (compressor.needsFisherBases()) {
      throw SmeltException.usage(
          "--base fisher needs gradients of the merged model, of which one pass has one layer at a"
              + " time",
          "use --base frequency, or run compress by itself on what merge has written");
    }
  }

  private void requireRows(ReducePlan plan) {
    if (plan.output() == OutputKind.REDIRECTED || request.materialize()) {
      throw SmeltException.usage(
          "merge and compress in one pass write one row of the router for each expert, in compact"
              + " form",
          "leave out --router redirect and --materialize, or run compress by itself");
    }
  }

  private static LayerShape shape(MoeModel model, CompactForm form) {
    return new LayerShape(
        form.layer(),
        model.architecture().hidden(),
        form.experts().stream().map(expert -> expert.width()).toList(),
        form.map(),
        model.moeLayer(form.layer()).orElseThrow().experts().form(),
        form.biased());
  }
}
