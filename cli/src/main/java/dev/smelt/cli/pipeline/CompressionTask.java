package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.cli.pipeline.CompressionReport.CalibrationOrigin;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.compress.CompressionRun;
import dev.smelt.compress.Compressor;
import dev.smelt.compress.ExpertReport;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.ModelCost;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.export.StockOutput;
import dev.smelt.model.tensor.Torch;
import dev.smelt.model.text.CalibrationSet;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * From a model to a written checkpoint with smaller experts.
 *
 * @param session the opened source
 * @param request how they are made smaller
 * @param calibration what to calibrate on, if there is a text
 */
public record CompressionTask(
    Session session, CompressionRequest request, Optional<Calibration> calibration) {
  /** Everything that is known before the work on the weights begins. */
  private record Prepared(
      CompressionRun run, Optional<CalibrationSet> set, List<TokenBatch> batches) {}

  private Prepared prepare() {
    Compressor compressor = request.method().configure(request.options());
    requireText(compressor);
    Optional<CalibrationSet> set = calibration.map(c -> c.draw(session));
    List<TokenBatch> batches =
        set.map(
                s ->
                    TokenBatch.split(
                        s.sequences().stream().map(q -> q.tokens()).toList(),
                        session.batchTokens()))
            .orElse(List.of());
    CompressionRun run =
        new CompressionRun(
            session.model(), compressor, request.sequential(), session.compute(), session.seed());
    return new Prepared(run, set, batches);
  }

  private void requireText(Compressor compressor) {
    if (calibration.isEmpty() && (compressor.needsTokens() || request.sequential())) {
      throw SmeltException.usage(
          "--text is missing: %s needs calibration tokens"
              .formatted(
                  compressor.needsTokens()
                      ? request.method().name() + " with these options"
                      : "--sequential"),
          "add --text FILE");
    }
  }

  /** Plans, compresses and writes; the output appears when all of it is verified. */
  public CompressionOutcome run(Path target, WriterOptions options, Optional<String> recipe) {
    Stopwatch stopwatch = new Stopwatch();
    Prepared prepared = prepare();
    List<CompactForm> forms = stopwatch.time("plan", () -> plan(prepared));
    return stock(prepared, forms, target, options, recipe, stopwatch);
  }

  private List<CompactForm> plan(Prepared prepared) {
    CompressionRun run = prepared.run();
    return run.passes() == 1
        ? run.plan(prepared.batches(), _ -> {})
        : session.showing(
            "surveying",
            session.model().moeLayers().size(),
            progress -> run.plan(prepared.batches(), progress));
  }

  private CompressionOutcome stock(
      Prepared prepared,
      List<CompactForm> forms,
      Path target,
      WriterOptions options,
      Optional<String> recipe,
      Stopwatch stopwatch) {
    MoeModel model = session.model();
    var reductions = StockOutput.reductions(forms);
    try (ReductionWriter writer = ReductionWriter.create(model, target, reductions, options)) {
      writer.copyKept();
      StockOutput output = new StockOutput(writer, forms);
      List<ExpertReport> experts =
          stopwatch.time(
              "compress",
              () ->
                  session.showing(
                      "compressing",
                      forms.size(),
                      progress -> prepared.run().run(forms, prepared.batches(), output, progress)));
      List<CompactForm> shapes = whole(prepared.run());
      ModelCost after =
          ModelCost.of(
              model,
              shapes,
              ReductionWriter.plannedBytes(model, reductions, ExportOptions.DEFAULTS));
      CompressionReport report = report(prepared, "stock", after, experts, stopwatch);
      writer.writeFile(ReductionReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(model, report));
      writer.writeFile(Recipe.FILE_NAME, recipe.orElseGet(() -> EffectiveRecipe.of(this)));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      return new CompressionOutcome(report, written);
    }
  }

  private static List<CompactForm> whole(CompressionRun run) {
    return run.shapes().stream().map(shape -> shape.whole()).toList();
  }

  private CompressionReport report(
      Prepared prepared,
      String form,
      ModelCost after,
      List<ExpertReport> experts,
      Stopwatch stopwatch) {
    MoeModel model = session.model();
    ModelCost before = ModelCost.of(model, whole(prepared.run()), model.checkpoint().totalBytes());
    return new CompressionReport(
        Version.number(),
        "compress",
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        request.method().name(),
        request.named(),
        form,
        prepared
            .set()
            .map(s -> new CalibrationOrigin(s.hash(), s.sequences().size(), s.tokens(), s.seed())),
        Torch.threads(),
        before,
        after,
        experts,
        stopwatch.seconds());
  }
}
