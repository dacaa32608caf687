package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Units;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.compress.CompressionRun;
import dev.smelt.compress.Compressor;
import dev.smelt.compress.ExpertReport;
import dev.smelt.compress.LayerShape;
import dev.smelt.io.SmeltException;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.ModelCost;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.CompactOutput;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.export.StockOutput;
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
      CompressionRun run, Optional<CalibrationSet> set, List<TokenBatch> batches)
      implements AutoCloseable {
    @Override
    public void close() {
      run.close();
    }
  }

  private Prepared prepare() {
    Compressor compressor = request.method().configure(request.options());
    requireText(compressor);
    if (calibration.isPresent() && session.model().architecture().isEncoderDecoder()) {
      throw SmeltException.unsupported(
          session.model().checkpoint().directory()
              + ": compress does not calibrate encoder-decoders, whose layers see a part of the"
              + " tokens each",
          "leave out --text and choose a method that needs no tokens; drop and merge calibrate on"
              + " it");
    }
    Optional<CalibrationSet> set = calibration.map(c -> c.draw(session));
    List<TokenBatch> batches =
        set.map(s -> TokenBatch.split(s.tokenIds(), session.batchTokens())).orElse(List.of());
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
    try (Prepared prepared = prepare()) {
      return write(prepared, target, options, recipe, stopwatch);
    }
  }

  private CompressionOutcome write(
      Prepared prepared,
      Path target,
      WriterOptions options,
      Optional<String> recipe,
      Stopwatch stopwatch) {
    List<CompactForm> forms = plan(prepared, stopwatch);
    boolean stock = request.materialize() || forms.stream().allMatch(CompactForm::isStock);
    Output output =
        stock ? stock(prepared, forms, target, options) : compact(forms, target, options);
    try (ReductionWriter writer = output.writer();
        MaskTask.MaskOutput masks =
            MaskTask.output(prepared.run().compressor(), forms, target, options.force())) {
      writer.copyKept();
      measure(prepared, stopwatch);
      List<ExpertReport> experts =
          stopwatch.time("compress", () -> compress(prepared, forms, output.sink()));
      CompressionReport report =
          CompressionReport.of(
              session,
              request,
              prepared.set(),
              new CompressionReport.Output(output.form(), output.cost(), output.fileBytes()),
              experts,
              stopwatch);
      writer.writeFile(ReductionReport.FILE_NAME, report.json());
      writer.writeFile(ModelCard.FILE_NAME, ModelCard.of(session.model(), report));
      writer.writeFile(Recipe.FILE_NAME, recipe.orElseGet(() -> EffectiveRecipe.of(this)));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      masks.commit();
      return new CompressionOutcome(report, written);
    }
  }

  /** Prints the plan, and the memory, disk and time that it needs. */
  public void dryRun(WriterOptions options) {
    try (Prepared prepared = prepare()) {
      print(prepared, options);
    }
  }

  private void print(Prepared prepared, WriterOptions options) {
    MoeModel model = session.model();
    List<CompactForm> forms = plan(prepared, new Stopwatch());
    boolean stock = request.materialize() || forms.stream().allMatch(CompactForm::isStock);
    if (!stock) {
      requireSmaller(forms, options);
    }
    List<CompactForm> shapes =
        stock && export(forms).width().isEmpty() ? whole(prepared.run()) : forms;
    long disk = plannedBytes(shapes);
    List<CompactForm> source =
        model.moeLayers().stream()
            .map(moe -> LayerShape.stored(moe, model.architecture().hidden()))
            .toList();
    long tokens = prepared.set().map(CalibrationSet::tokens).orElse(0L);
    var run =
        new CompressionDryRun(
            forms,
            ModelCost.of(model, source, model.checkpoint().totalBytes()),
            ModelCost.of(model, shapes, disk),
            Needs.of(model, forms, tokens, prepared.run(), disk));
    session.console().result(run.plan().toString());
    session.console().result("");
    session.console().result(run.costs().toString());
    session.console().result("");
    session.console().result(run.needed().toString());
    session.console().info("nothing was written (--dry-run)");
  }

  private long plannedBytes(List<CompactForm> forms) {
    return CompactWriter.planned(session.model(), forms, CompactWriter.reductions(forms)).stream()
        .mapToLong(TensorInfo::bytes)
        .sum();
  }

  private List<CompactForm> plan(Prepared prepared, Stopwatch stopwatch) {
    CompressionRun run = prepared.run();
    if (!run.compressor().surveys()) {
      return stopwatch.time("plan", () -> run.plan(prepared.batches(), _ -> {}));
    }
    measure(prepared, stopwatch);
    int layers = session.model().moeLayers().size();
    return stopwatch.time(
        "plan",
        () ->
            session.showing(
                "surveying", layers, progress -> run.plan(prepared.batches(), progress)));
  }

  /** Goes forward and backward through the model if the method needs it and it was not done yet. */
  private void measure(Prepared prepared, Stopwatch stopwatch) {
    CompressionRun run = prepared.run();
    if (run.lacksBases()) {
      stopwatch.time(
          "gradients",
          () ->
              session.showing(
                  "measuring gradients",
                  run.measuredLayers(),
                  progress -> {
                    run.measure(prepared.batches(), progress);
                    return run;
                  }));
    }
  }

  private List<ExpertReport> compress(
      Prepared prepared, List<CompactForm> forms, CompactOutput sink) {
    return session.showing(
        "compressing",
        forms.size(),
        progress -> prepared.run().run(forms, prepared.batches(), sink, progress));
  }

  /**
   * Where experts go.
   *
   * @param form {@code stock} or {@code compact}
   * @param cost of the output
   * @param fileBytes of the files of weights
   */
  private record Output(
      String form, ReductionWriter writer, CompactOutput sink, ModelCost cost, long fileBytes) {}

  private Output stock(
      Prepared prepared, List<CompactForm> forms, Path target, WriterOptions options) {
    var reductions = StockOutput.reductions(forms);
    ExportOptions export = export(forms);
    ReductionWriter writer =
        ReductionWriter.create(session.model(), target, reductions, export, options);
    List<CompactForm> shapes = export.width().isPresent() ? forms : whole(prepared.run());
    ModelCost cost = ModelCost.of(session.model(), shapes, writer.bytes());
    return new Output(
        "stock", writer, new StockOutput(writer, forms), cost, writer.fileBytes(options));
  }

  private Output compact(List<CompactForm> forms, Path target, WriterOptions options) {
    requireSmaller(forms, options);
    CompactWriter compact = CompactWriter.create(session.model(), target, forms, options);
    ReductionWriter writer = compact.writer();
    ModelCost cost = ModelCost.of(session.model(), forms, writer.bytes());
    return new Output("compact", writer, compact, cost, writer.fileBytes(options));
  }

  /** Nobody wants a larger file by accident. */
  private void requireSmaller(List<CompactForm> forms, WriterOptions options) {
    MoeModel model = session.model();
    long after = plannedBytes(forms);
    long before = model.checkpoint().totalBytes();
    if (after > before && !options.force()) {
      throw SmeltException.usage(
          "the weights would grow from %s to %s".formatted(Units.bytes(before), Units.bytes(after)),
          "choose a smaller budget, or --force to write them all the same");
    }
  }

  /** Experts of another width than the source's change config.json and all that hangs on it. */
  private ExportOptions export(List<CompactForm> forms) {
    long before = session.model().moeLayers().getFirst().experts().width();
    List<Long> widths = forms.stream().map(CompactForm::width).distinct().toList();
    boolean uniform = widths.size() == 1 && forms.stream().allMatch(CompactForm::isStock);
    boolean narrower = uniform && widths.getFirst() != before;
    return narrower ? ExportOptions.DEFAULTS.withWidth(widths.getFirst()) : ExportOptions.DEFAULTS;
  }

  private static List<CompactForm> whole(CompressionRun run) {
    return run.shapes().stream().map(shape -> shape.whole()).toList();
  }
}
