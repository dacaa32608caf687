package dev.smelt.cli.recovery;

import dev.smelt.cli.pipeline.Stopwatch;
import dev.smelt.io.SmeltException;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.ReplacementWriter;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.train.TrainingHistory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** A way to train a student. */
interface Learner {
  /**
   * Trains, and writes what has changed.
   *
   * @param target starts the output
   * @return what was learnt, with the output, which the caller commits and closes
   */
  Learnt learn(Target target, Stopwatch stopwatch);

  /** The output of a recovery, before it is started. */
  interface Target {
    /** Starts an output of the student's shapes. */
    ReplacementWriter start();

    /** Starts an output whose experts are stored like this. */
    ReplacementWriter start(List<CompactForm> layers);
  }

  /**
   * Insists that there was a loss to begin with.
   *
   * @param where what was trained, for the message
   */
  static void requireFinite(String where, TrainingHistory history) {
    if (!Double.isFinite(history.heldOutBefore())) {
      throw SmeltException.checkpoint(
          where + ": the loss is " + history.heldOutBefore() + " before the first step",
          "smelt verify MODEL names weights that are not finite, of the student or the teacher");
    }
  }

  /** Removes the stored state of a run that is complete. */
  void discard();

  /**
   * What was learnt.
   *
   * @param writer has all values that were trained
   * @param histories how each training went, by the index of its layer; -1 is the whole model
   * @param layers errors of layers
   * @param parameters weights that were trained
   * @param pruning what became of kept neurons, if they were pruned
   */
  record Learnt(
      ReplacementWriter writer,
      SequencedMap<Integer, TrainingHistory> histories,
      List<LayerRepair> layers,
      long parameters,
      Optional<RecoveryReport.Pruning> pruning) {
    /** The index of the whole model. */
    static final int WHOLE = -1;

    public Learnt {
      histories = new LinkedHashMap<>(histories);
      layers = List.copyOf(layers);
    }

    /** Where and when a training has diverged, in words. */
    Optional<String> divergence() {
      return histories.entrySet().stream()
          .filter(entry -> entry.getValue().stop() == TrainingHistory.Stop.DIVERGED)
          .map(
              entry ->
                  (entry.getKey() == WHOLE ? "" : "layer " + entry.getKey() + ": ")
                      + "the training diverged in step "
                      + (entry.getValue().points().size() + 1))
          .findFirst();
    }

    /** Whether anything is better than before. */
    boolean hasImproved() {
      return histories.values().stream().anyMatch(history -> history.bestStep() > 0)
          || layers.stream()
              .flatMap(layer -> layer.heldOut().stream())
              .anyMatch(errors -> errors.after() < errors.before());
    }

    LossCurve curve() {
      return new LossCurve(
          histories.entrySet().stream()
              .map(
                  entry ->
                      new LossCurve.Run(
                          entry.getKey() == WHOLE ? "all" : String.valueOf(entry.getKey()),
                          entry.getValue().points()))
              .toList());
    }
  }
}
