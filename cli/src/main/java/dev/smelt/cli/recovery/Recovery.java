package dev.smelt.cli.recovery;

import dev.smelt.cli.Version;
import dev.smelt.cli.console.Json;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.Stopwatch;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.export.ReplacementWriter;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.recover.NeuronPruning;
import dev.smelt.routing.train.TrainingHistory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * From a student and its teacher to a written student that has learnt.
 *
 * @param session the opened student
 * @param teacher the opened teacher
 * @param request what is asked for
 */
public record Recovery(Session session, MoeModel teacher, RecoveryRequest request) {
  /** The name of the recipe that repeats the run, in the output directory. */
  private static final String RECIPE_NAME = "smelt-recipe.yaml";

  /**
   * Trains and writes; the output appears when all of it is verified.
   *
   * @param recipe the recipe to write beside the weights; without one this run becomes one
   * @throws SmeltException (failed) if the training diverged; what was better than the student is
   *     written all the same
   */
  public RecoveryOutcome run(Path target, WriterOptions options, Optional<String> recipe) {
    TeacherCheck.require(session.model(), teacher);
    ReductionWriter.requireOther(session.model().checkpoint().directory(), target);
    ReductionWriter.requireOther(teacher.checkpoint().directory(), target);
    requireTrainable();
    Stopwatch stopwatch = new Stopwatch();
    RecoveryText text = stopwatch.time("text", () -> RecoveryText.draw(session, teacher, request));
    if (request.mode() == RecoveryMode.LAYERWISE) {
      var learner = new LayerwiseLearner(session, teacher, request, text, key(text));
      return run(learner, text, stopwatch, target, options, recipe);
    }
    try (RecoveryState state = RecoveryState.open(request.resume(), target, key(text))) {
      var learner = new EndToEndLearner(session, teacher, request, text, state);
      return run(learner, text, stopwatch, target, options, recipe);
    }
  }

  private void requireTrainable() {
    session.requireDecoder("recovered");
    boolean compact =
        session.model().moeLayers().stream()
            .anyMatch(moe -> moe.experts() instanceof CompactStorage);
    if (request.refit() && compact) {
      throw SmeltException.usage(
          "--refit: the student is in compact form, and a refit gives whole matrices",
          "leave it out; the training works on the factors themselves");
    }
    request.keep().ifPresent(this::requirePrunable);
    if (request.train().of(session.model()).isEmpty()) {
      throw SmeltException.usage(
          "--train %s: the student has no such weights".formatted(request.train().option()),
          "choose another part, such as --train experts");
    }
  }

  private void requirePrunable(double keep) {
    double share = NeuronPruning.share(session.model());
    if (share == 0) {
      throw SmeltException.usage(
          "--keep: the student has no neurons beside factors",
          "compress --method low-rank-sparse makes such a student");
    }
    if (keep >= share) {
      throw SmeltException.usage(
          "--keep %s: the student keeps %.4g of its neurons, which is not more"
              .formatted(keep, share),
          "give a smaller share, or compress with a larger --keep first");
    }
  }

  /** Everything that decides the result. */
  private String key(RecoveryText text) {
    return String.join(
        " ",
        session.model().checkpoint().fingerprint(),
        teacher.checkpoint().fingerprint(),
        text.hash(),
        String.valueOf(text.heldOut()),
        request.options().toString(),
        session.compute().code(),
        String.valueOf(session.seed()));
  }

  private RecoveryOutcome run(
      Learner learner,
      RecoveryText text,
      Stopwatch stopwatch,
      Path target,
      WriterOptions options,
      Optional<String> recipe) {
    Learner.Learnt learnt = learner.learn(new Output(session.model(), target, options), stopwatch);
    try (ReplacementWriter writer = learnt.writer()) {
      Optional<String> divergence = learnt.divergence();
      if (divergence.isPresent() && !learnt.hasImproved()) {
        throw diverged(divergence.get() + "; nothing was better than the student before");
      }
      RecoveryReport report = report(learnt, text, stopwatch);
      LossCurve curve = learnt.curve();
      writer.writeFile(RecoveryReport.FILE_NAME, Json.text(report) + "\n");
      writer.writeFile(LossCurve.CSV_NAME, curve.csv());
      writer.writeFile(LossCurve.PNG_NAME, curve.png());
      writer.writeFile(RECIPE_NAME, recipe.orElseGet(() -> RecoveryRecipe.of(this)));
      WrittenCheckpoint written = stopwatch.time("verify", writer::commit);
      divergence.ifPresent(
          where -> {
            throw diverged(where + "; the best weights before that are in " + target);
          });
      learner.discard();
      return new RecoveryOutcome(report, written);
    }
  }

  /** Where the recovered student will be. */
  private record Output(MoeModel student, Path target, WriterOptions options)
      implements Learner.Target {
    @Override
    public ReplacementWriter start() {
      return ReplacementWriter.create(student, target, options);
    }

    @Override
    public ReplacementWriter start(List<CompactForm> layers) {
      return ReplacementWriter.create(student, target, layers, options);
    }
  }

  private SmeltException diverged(String message) {
    return new SmeltException(
        Fault.FAILED,
        message,
        "lower --rate (it was %s), or lengthen --warm-up"
            .formatted(request.training().schedule().rate()));
  }

  private RecoveryReport report(Learner.Learnt learnt, RecoveryText text, Stopwatch stopwatch) {
    return new RecoveryReport(
        Version.number(),
        "recover",
        model(session.model()),
        model(teacher),
        new LinkedHashMap<>(request.options()),
        new RecoveryReport.Text(
            text.hash(), text.sequences().size(), text.heldOut(), text.tokens()),
        session.compute().code(),
        session.seed(),
        Torch.threads(),
        learnt.parameters(),
        learnt.histories().entrySet().stream().map(Recovery::training).toList(),
        List.copyOf(learnt.layers()),
        learnt.pruning(),
        new LinkedHashMap<>(stopwatch.seconds()));
  }

  private static RecoveryReport.Model model(MoeModel model) {
    Path directory = model.checkpoint().directory().toAbsolutePath();
    return new RecoveryReport.Model(
        String.valueOf(directory.getFileName()), model.checkpoint().fingerprint());
  }

  private static RecoveryReport.Training training(Map.Entry<Integer, TrainingHistory> entry) {
    boolean whole = entry.getKey() == Learner.Learnt.WHOLE;
    return RecoveryReport.Training.of(
        whole ? Optional.empty() : Optional.of(entry.getKey()), entry.getValue());
  }
}
