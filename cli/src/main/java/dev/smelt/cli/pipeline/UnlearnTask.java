package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Progress;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.recipe.Recipe;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.PatchWriter;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.unlearn.SetOverlap;
import dev.smelt.unlearn.attribution.Affinity;
import dev.smelt.unlearn.attribution.AffinityRun;
import dev.smelt.unlearn.attribution.Attribution;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.attribution.Selection;
import dev.smelt.unlearn.training.Check;
import dev.smelt.unlearn.training.Scale;
import dev.smelt.unlearn.training.SequenceSplit;
import dev.smelt.unlearn.training.StopRule;
import dev.smelt.unlearn.training.TrainData;
import dev.smelt.unlearn.training.TrainOptions;
import dev.smelt.unlearn.training.TrainResult;
import dev.smelt.unlearn.training.Trainer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * From a model to a written checkpoint that has forgotten a text.
 *
 * @param session the opened source
 * @param request what was asked for
 */
public record UnlearnTask(Session session, Request request) {
  /** Share of retain tokens in runs of the forget set above which the user is warned. */
  private static final double OVERLAP = 0.01;

  /**
   * What was asked for.
   *
   * @param texts what is to be forgotten and what is not
   * @param targets the experts to train; empty if they are chosen
   * @param selection how they are chosen
   * @param experts how many are chosen
   * @param scale how much is trained
   * @param options how it is trained; its seed is that of the session
   * @param rule when to stop
   */
  public record Request(
      ForgetTexts texts,
      List<ExpertId> targets,
      Selection selection,
      int experts,
      Scale scale,
      TrainOptions options,
      StopRule rule) {
    /** Copies the list. */
    public Request {
      targets = List.copyOf(targets);
    }
  }

  /** The two sets as they were drawn. */
  private record Drawn(CalibrationSet forget, Optional<CalibrationSet> retain) {}

  /** Chooses the experts, trains and writes; the output appears when all of it is verified. */
  public UnlearnOutcome run(Path target, WriterOptions writing, Optional<String> recipe) {
    session.requireDecoder("unlearned");
    Stopwatch stopwatch = new Stopwatch();
    Drawn drawn = draw();
    TrainData data = split(drawn);
    double overlap = overlap(drawn);
    Attribution attribution = stopwatch.time("attribute", () -> attribution(drawn));
    List<ExpertId> targets = targets(attribution);
    TrainOptions options =
        request
            .options()
            .with(request.options().clip(), session.seed(), request.options().memoryLimit());
    try (Trainer trainer =
        stopwatch.time(
            "prepare",
            () ->
                new Trainer(
                    session.model(),
                    session.compute(),
                    session.batchTokens(),
                    request.scale(),
                    targets,
                    data,
                    options,
                    request.rule()))) {
      session.console().detail("hidden states before the first trained layer: " + trainer.cache());
      TrainResult result = stopwatch.time("train", () -> train(trainer, options));
      UnlearnReport report =
          UnlearnReport.of(
              this,
              options,
              drawn.forget(),
              drawn.retain(),
              attribution,
              targets,
              trainer,
              result,
              overlap,
              stopwatch);
      warnUnlikely(result);
      WrittenCheckpoint written =
          PatchWriter.write(
              session.model().checkpoint(),
              target,
              trainer.patches(),
              files(report, result, recipe),
              writing);
      return new UnlearnOutcome(report, written);
    }
  }

  private Drawn draw() {
    ForgetTexts texts = request.texts();
    return new Drawn(
        texts.drawForget(session),
        texts.retain().isEmpty() ? Optional.empty() : Optional.of(texts.drawRetain(session)));
  }

  private TrainData split(Drawn drawn) {
    return new TrainData(
        SequenceSplit.of("forget set", ForgetTexts.tokens(drawn.forget()), session.seed()),
        drawn
            .retain()
            .map(set -> SequenceSplit.of("retain set", ForgetTexts.tokens(set), session.seed())));
  }

  private double overlap(Drawn drawn) {
    double share =
        drawn
            .retain()
            .map(set -> SetOverlap.of(ForgetTexts.tokens(set), ForgetTexts.tokens(drawn.forget())))
            .orElse(0.0);
    if (share > OVERLAP) {
      session
          .console()
          .warn(
              "forget and retain set overlap: %s of the retain tokens are in runs of %d tokens that"
                      .formatted(Units.percent(share), SetOverlap.RUN)
                  + " the forget set has too; what is kept and what is forgotten contradict"
                  + " each other there");
    }
    return share;
  }

  private Attribution attribution(Drawn drawn) {
    Affinity forget = affinity(drawn.forget(), "forget set");
    Optional<Affinity> retain =
        request.selection() == Selection.DIFFERENCE && request.targets().isEmpty()
            ? drawn.retain().map(set -> affinity(set, "retain set"))
            : Optional.empty();
    return new Attribution(forget, retain);
  }

  private Affinity affinity(CalibrationSet set, String name) {
    MoeModel model = session.model();
    AffinityRun run = new AffinityRun(model, session.compute(), session.batchTokens());
    int layers = model.moeLayers().getLast().layer() + 1;
    return session
        .showing(
            "attributing, " + name, layers, progress -> run.run(ForgetTexts.tokens(set), progress))
        .affinity();
  }

  private List<ExpertId> targets(Attribution attribution) {
    if (request.targets().isEmpty()) {
      return attribution.choose(request.selection(), request.experts(), session.seed());
    }
    attribution.require(request.targets());
    return request.targets().stream().sorted().toList();
  }

  private TrainResult train(Trainer trainer, TrainOptions options) {
    try (Progress progress =
        Progress.start(session.console(), "unlearning", options.steps(), "steps")) {
      int[] last = {0};
      return trainer.run(
          check -> {
            progress.advance(check.step() - last[0]);
            last[0] = check.step();
            show(check);
          });
    }
  }

  private void show(Check check) {
    session
        .console()
        .info(
            String.format(
                Locale.ROOT,
                "step %d: held-out forget loss %.4f%s",
                check.step(),
                check.heldOut().forget(),
                check
                    .heldOut()
                    .retain()
                    .map(r -> String.format(Locale.ROOT, ", retain loss %.4f", r))
                    .orElse("")));
  }

  /** A text in the ids of another tokenizer is less likely than tokens drawn at random. */
  private void warnUnlikely(TrainResult result) {
    double chance = Math.log(session.model().architecture().vocabulary());
    if (result.before().forget() > chance) {
      session
          .console()
          .warn(
              String.format(
                  Locale.ROOT,
                  "the forget loss was %.2f before anything was forgotten, more than that of tokens"
                      + " drawn at random (%.2f): the model does not know this text, or its ids are"
                      + " of another tokenizer",
                  result.before().forget(),
                  chance));
    }
  }

  private SequencedMap<String, byte[]> files(
      UnlearnReport report, TrainResult result, Optional<String> recipe) {
    SequencedMap<String, byte[]> files = new LinkedHashMap<>();
    files.put(ReductionReport.FILE_NAME, bytes(report.json()));
    files.put(Curves.CSV, bytes(Curves.csv(result.checks())));
    files.put(Curves.PNG, Curves.png(result.checks()));
    files.put(ModelCard.FILE_NAME, bytes(UnlearnCard.of(session.model(), report)));
    files.put(Recipe.FILE_NAME, bytes(recipe.orElseGet(() -> UnlearnRecipe.of(this, report))));
    return files;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
