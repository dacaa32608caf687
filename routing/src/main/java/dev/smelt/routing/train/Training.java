package dev.smelt.routing.train;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TrainingHistory.Stop;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The loop of a training: batches, limited gradients, steps of AdamW, looks at held-out tokens, and
 * the best weights kept.
 *
 * <p>The same task, options and machine give the same weights, also if the run was killed and went
 * on from its stored state.
 *
 * <p>Memory beside the task's own: three copies of the trained weights (two moments, the best), one
 * more for gradients.
 */
public final class Training {
  /** A loss so many times that of the start, or above this where that is below 1, has diverged. */
  private static final double GROWTH = 100;

  private static final double CLIP_EPSILON = 1e-6;

  private final TrainingTask task;
  private final TrainingOptions options;
  private final TrainingState state;
  private final TrainingObserver observer;
  private final AdamW optimiser;
  private final List<Tensor> best;
  private final List<TrainingPoint> points = new ArrayList<>();
  private double heldOutBefore;
  private double heldOutBest;
  private int bestStep;
  private int misses;

  private Training(
      TrainingTask task, TrainingOptions options, TrainingState state, TrainingObserver observer) {
    this.task = task;
    this.options = options;
    this.state = state;
    this.observer = observer;
    optimiser = new AdamW(task.parameters(), options.optimiser());
    best = task.parameters().stream().map(p -> p.detach().copy()).toList();
  }

  /**
   * The weights with the lowest held-out loss, and how they were found.
   *
   * @param best for each parameter of the task a copy, in the scope that was open
   * @param history of the training
   */
  public record Result(List<Tensor> best, TrainingHistory history) {
    /** Copies the list. */
    public Result {
      best = List.copyOf(best);
    }
  }

  /**
   * Trains. A loss that is not finite or has grown without bounds ends the training; the best
   * weights before that are the result.
   *
   * @param task what is trained; its parameters are modified
   * @param options how
   * @param state where the run is stored, and goes on from if it was stored before
   * @param observer is told each step
   */
  public static Result run(
      TrainingTask task, TrainingOptions options, TrainingState state, TrainingObserver observer) {
    Training training = new Training(task, options, state, observer);
    training.begin();
    return new Result(training.best, training.loop());
  }

  private void begin() {
    if (state.exists()) {
      TrainingState.Progress progress = state.restore(tensors());
      points.addAll(progress.points());
      heldOutBefore = progress.before();
      heldOutBest = progress.best();
      bestStep = progress.bestStep();
      misses = progress.misses();
      optimiser.resume(points.size());
      task.skip(points.size());
      observer.resumed(List.copyOf(points));
    } else {
      heldOutBefore = task.heldOut();
      heldOutBest = task.isCandidate() ? heldOutBefore : Double.POSITIVE_INFINITY;
    }
  }

  private SequencedMap<String, List<Tensor>> tensors() {
    SequencedMap<String, List<Tensor>> tensors = new LinkedHashMap<>();
    tensors.put("weights", task.parameters());
    tensors.put("means", optimiser.means());
    tensors.put("squares", optimiser.squares());
    tensors.put("best", best);
    tensors.put("task", task.state());
    return tensors;
  }

  private TrainingHistory loop() {
    int steps = options.schedule().steps();
    Stop stop = Double.isFinite(heldOutBefore) ? stop() : Stop.DIVERGED;
    while (stop == Stop.FINISHED && points.size() < steps) {
      stop = step() ? stop() : Stop.DIVERGED;
      if (stop == Stop.FINISHED && points.size() % options.saveEvery() == 0) {
        state.save(
            tensors(),
            new TrainingState.Progress(points, heldOutBefore, heldOutBest, bestStep, misses));
      }
    }
    return new TrainingHistory(stop, bestStep, heldOutBefore, heldOutBest, points);
  }

  /** What the looks so far say. */
  private Stop stop() {
    return options.patience() > 0 && misses >= options.patience() ? Stop.EARLY : Stop.FINISHED;
  }

  /** Makes a step; returns false if the training has diverged. */
  private boolean step() {
    int made = points.size();
    double rate = options.schedule().at(made);
    double loss;
    double norm;
    long tokens;
    try (var _ = Scope.open()) {
      TrainingTask.Batch batch = task.next();
      loss = batch.loss();
      List<Tensor> gradients = batch.gradients().stream().map(Tensor::contiguous).toList();
      norm = norm(gradients);
      tokens = batch.tokens();
      if (hasDiverged(loss) || !Double.isFinite(norm)) {
        return false;
      }
      optimiser.step(clipped(gradients, norm), rate);
      task.stepped(gradients);
    }
    boolean last = made + 1 == options.schedule().steps();
    boolean look = last || (made + 1) % options.checkEvery() == 0;
    Optional<Double> heldOut = look ? Optional.of(task.heldOut()) : Optional.empty();
    long before = points.isEmpty() ? 0 : points.getLast().tokens();
    points.add(new TrainingPoint(made + 1, before + tokens, rate, loss, norm, heldOut));
    observer.stepped(points.getLast());
    return heldOut.isEmpty() || judge(heldOut.get());
  }

  private boolean hasDiverged(double loss) {
    double first = points.isEmpty() ? heldOutBefore : points.getFirst().loss();
    return !(loss <= GROWTH * Math.max(1, Math.max(first, heldOutBefore)));
  }

  private boolean judge(double heldOut) {
    if (!task.isCandidate()) {
      return !hasDiverged(heldOut);
    }
    if (heldOut < heldOutBest) {
      heldOutBest = heldOut;
      bestStep = points.size();
      misses = 0;
      for (int i = 0; i < best.size(); i++) {
        best.get(i).copyFrom(task.parameters().get(i).detach());
      }
    } else {
      misses++;
    }
    return !hasDiverged(heldOut);
  }

  private static double norm(List<Tensor> gradients) {
    double sum = 0;
    for (Tensor gradient : gradients) {
      double norm = gradient.norm().item();
      sum += norm * norm;
    }
    return Math.sqrt(sum);
  }

  /** Gradients whose norm together is not above the limit; in place. */
  private List<Tensor> clipped(List<Tensor> gradients, double norm) {
    if (norm > options.clip()) {
      double factor = options.clip() / (norm + CLIP_EPSILON);
      gradients.forEach(gradient -> gradient.mulInPlace(factor));
    }
    return gradients;
  }
}
