package dev.smelt.cli.recovery;

import dev.smelt.cli.console.Progress;
import dev.smelt.cli.pipeline.Session;
import dev.smelt.cli.pipeline.Stopwatch;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.export.ReplacementWriter;
import dev.smelt.routing.repair.FitOptions;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.repair.ReducedBlock;
import dev.smelt.routing.repair.ReductionState;
import dev.smelt.routing.repair.RefitOptions;
import dev.smelt.routing.repair.RepairOptions;
import dev.smelt.routing.repair.SequentialReduction;
import dev.smelt.routing.repair.Trained;
import dev.smelt.routing.train.TrainingHistory;
import dev.smelt.routing.train.TrainingHistory.Stop;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/** Trains layer by layer towards the teacher's hidden states, on the student's own inputs. */
final class LayerwiseLearner implements Learner {
  private final Session session;
  private final MoeModel teacher;
  private final RecoveryRequest request;
  private final RecoveryText text;
  private final ReductionState state;
  private final SequencedMap<Integer, TrainingHistory> histories = new LinkedHashMap<>();
  private final List<LayerRepair> layers = new ArrayList<>();
  private long parameters;

  LayerwiseLearner(
      Session session, MoeModel teacher, RecoveryRequest request, RecoveryText text, String key) {
    this.session = session;
    this.teacher = teacher;
    this.request = request;
    this.text = text;
    state =
        request
            .resume()
            .map(directory -> ReductionState.open(directory, key))
            .orElseGet(ReductionState::none);
  }

  /** Ends the walk after a layer whose training has diverged. */
  private static final class Diverged extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @Override
  public Learnt learn(Target target, Stopwatch stopwatch) {
    ReplacementWriter writer = target.start();
    int steps = request.training().schedule().steps();
    List<MoeLayer> moeLayers = session.model().moeLayers();
    try (Progress progress =
        Progress.start(session.console(), "recovering", (long) steps * moeLayers.size(), "steps")) {
      stopwatch.time("recover", () -> walk(writer, progress));
    } catch (RuntimeException e) {
      writer.close();
      throw e;
    }
    return new Learnt(writer, histories, layers, parameters, Optional.empty());
  }

  /** Returns whether all layers were reached. */
  private boolean walk(ReplacementWriter writer, Progress progress) {
    List<TokenBatch> batches = TokenBatch.split(text.sequences(), session.batchTokens());
    try {
      new SequentialReduction(teacher, session.model(), session.compute(), repair(), session.seed())
          .train(
              new SequentialReduction.Text(batches, text.heldOut()),
              this::asStored,
              (finished, repair) -> take(finished, repair, writer, progress),
              state,
              layer -> new TrainingProgress(progress, "layer " + layer + ", "));
      return true;
    } catch (Diverged e) {
      return false;
    }
  }

  private RepairOptions repair() {
    var refit =
        request.refit() ? Optional.of(RefitOptions.DEFAULT) : Optional.<RefitOptions>empty();
    Trained trained =
        switch (request.train()) {
          case EXPERTS -> Trained.EXPERTS;
          case ROUTER -> Trained.ROUTER;
          case ALL, FACTORS -> Trained.ALL;
        };
    return new RepairOptions(
        refit, Optional.of(new FitOptions(request.training(), request.batchTokens(), trained, 0)));
  }

  /** The tensors of a layer in compact form that are trained as they are stored. */
  private List<StoredTensor> asStored(int layer) {
    MoeLayer moe = session.model().moeLayer(layer).orElseThrow();
    return moe.experts() instanceof CompactStorage
        ? request.train().of(session.model(), moe)
        : List.of();
  }

  private void take(
      ReducedBlock finished, LayerRepair repair, ReplacementWriter writer, Progress progress) {
    MoeBlock block = finished.block();
    Learner.requireFinite("layer " + repair.layer(), repair.fit().orElseThrow());
    requireFinite(repair.layer(), block);
    if (asStored(repair.layer()).isEmpty()) {
      writer.writeLayer(repair.layer(), block.router().weight(), block.experts());
      parameters += trainedParameters(block);
    } else {
      finished.tensors().forEach(writer::write);
      parameters += asStored(repair.layer()).stream().mapToLong(t -> t.info().elements()).sum();
    }
    TrainingHistory history = repair.fit().orElseThrow();
    progress.advance(request.training().schedule().steps() - history.points().size());
    histories.put(repair.layer(), history);
    layers.add(repair.brief());
    if (history.stop() == Stop.DIVERGED) {
      throw new Diverged();
    }
  }

  /** A weight that is not finite may belong to an expert that no token of the text has met. */
  private static void requireFinite(int layer, MoeBlock block) {
    for (int e = 0; e < block.experts().size(); e++) {
      for (var part : block.experts().get(e).parts().entrySet()) {
        if (!Double.isFinite(part.getValue().norm().item())) {
          throw SmeltException.checkpoint(
              "layer %d, expert %d, %s: a weight is NaN or infinite"
                  .formatted(layer, e, part.getKey().name().toLowerCase(Locale.ROOT)),
              "smelt verify STUDENT names all of them");
        }
      }
    }
  }

  private long trainedParameters(MoeBlock block) {
    long router = block.router().weight().elements();
    long experts =
        block.experts().stream()
            .flatMap(expert -> expert.parts().values().stream())
            .mapToLong(part -> part.elements())
            .sum();
    return switch (request.train()) {
      case EXPERTS -> experts;
      case ROUTER -> router;
      case ALL, FACTORS -> router + experts;
    };
  }

  @Override
  public void discard() {
    state.discard();
  }
}
