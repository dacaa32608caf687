package dev.smelt.cli.recovery;

import dev.smelt.cli.console.Progress;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.Stopwatch;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.ReplacementWriter;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.recover.Distillation;
import dev.smelt.routing.recover.DistillationOptions;
import dev.smelt.routing.recover.NeuronPruning;
import dev.smelt.routing.recover.PrunedStudent;
import dev.smelt.routing.recover.Student;
import dev.smelt.routing.recover.TeacherCache;
import dev.smelt.routing.train.Training;
import dev.smelt.routing.train.TrainingHistory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** Trains the whole student towards what the teacher says of the text, and on the text itself. */
final class EndToEndLearner implements Learner {
  private final Session session;
  private final MoeModel teacher;
  private final RecoveryRequest request;
  private final RecoveryText text;
  private final RecoveryState state;

  /**
   * A learner.
   *
   * @param state where the run is stored; the caller closes it
   */
  EndToEndLearner(
      Session session,
      MoeModel teacher,
      RecoveryRequest request,
      RecoveryText text,
      RecoveryState state) {
    this.session = session;
    this.teacher = teacher;
    this.request = request;
    this.text = text;
    this.state = state;
  }

  @Override
  public Learnt learn(Target target, Stopwatch stopwatch) {
    DistillationOptions loss = request.distillation();
    Optional<TeacherCache> cache =
        loss.teacher() > 0 || loss.hidden() > 0
            ? Optional.of(stopwatch.time("teacher", () -> cache(loss)))
            : Optional.empty();
    try (var _ = Scope.open()) {
      return stopwatch.time("recover", () -> train(cache, target));
    } finally {
      cache.ifPresent(TeacherCache::close);
    }
  }

  private TeacherCache cache(DistillationOptions loss) {
    Path directory = state.teacher();
    return session.showing(
        "asking the teacher",
        teacher.architecture().layers(),
        progress ->
            TeacherCache.open(
                directory,
                teacher,
                session.compute(),
                text.sequences(),
                session.batchTokens(),
                loss,
                progress));
  }

  private Learnt train(Optional<TeacherCache> cache, Target target) {
    List<StoredTensor> trained = request.train().of(session.model());
    Student student = new Student(session.model(), trained, session.compute());
    int batch = Math.max(1, request.batchTokens() / request.text().length());
    var tokens =
        new Distillation.Text(text.sequences(), text.heldOut(), batch, session.batchTokens());
    int steps = request.training().schedule().steps();
    Optional<NeuronPruning> pruning =
        request.keep().map(keep -> new NeuronPruning(session.model(), trained, keep, steps));
    Distillation task =
        new Distillation(student, cache, tokens, request.distillation(), pruning, session.seed());
    Training.Result result;
    try (Progress progress = Progress.start(session.console(), "recovering", steps, "steps")) {
      result =
          Training.run(
              task, request.training(), state.training(), new TrainingProgress(progress, ""));
    }
    Learner.requireFinite("held-out text", result.history());
    Optional<PrunedStudent> pruned =
        pruning.map(p -> PrunedStudent.of(session.model(), p, result.best()));
    ReplacementWriter writer = pruned.map(p -> target.start(p.layers())).orElseGet(target::start);
    write(
        writer,
        trained,
        result.best(),
        pruned.map(PrunedStudent::values).orElseGet(LinkedHashMap::new));
    SequencedMap<Integer, TrainingHistory> histories = new LinkedHashMap<>();
    histories.put(Learnt.WHOLE, result.history());
    long parameters = trained.stream().mapToLong(tensor -> tensor.info().elements()).sum();
    return new Learnt(
        writer, histories, List.of(), parameters, pruned.map(RecoveryReport.Pruning::of));
  }

  /** Writes the trained tensors, and others in the place of some of them. */
  private static void write(
      ReplacementWriter writer,
      List<StoredTensor> trained,
      List<Tensor> best,
      SequencedMap<StoredTensor, Tensor> instead) {
    try {
      for (int i = 0; i < trained.size(); i++) {
        if (!instead.containsKey(trained.get(i))) {
          writer.write(trained.get(i), best.get(i));
        }
      }
      instead.forEach(writer::write);
    } catch (RuntimeException e) {
      writer.close();
      throw e;
    }
  }

  @Override
  public void discard() {
    state.discard();
  }
}
