package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.RandomOrder;
import dev.smelt.routing.train.Training;
import dev.smelt.routing.train.TrainingHistory;
import dev.smelt.routing.train.TrainingObserver;
import dev.smelt.routing.train.TrainingState;
import dev.smelt.routing.train.TrainingTask;
import java.util.List;
import java.util.function.Function;

/**
 * Fits router and experts of one layer by gradients, on batches of the layer's tokens, with the
 * best weights on held-out tokens kept.
 *
 * <p>The choice of the experts has no gradient; the gate values of the chosen ones carry it to the
 * router. Weights are trained in F32 and computed with in the type of the block.
 *
 * <p>Memory: four F32 copies of the layer's weights (weights, two moments, the best), one more for
 * gradients, and the intermediate values of one batch.
 */
public final class Fit implements TrainingTask {
  private final FitObjective objective;
  private final Trainable trainable;
  private final RandomOrder order;

  private Fit(Trainable trainable, FitObjective objective, FitOptions options) {
    this.objective = objective;
    this.trainable = trainable;
    order = new RandomOrder(objective.split().training(), options.batchTokens(), options.seed());
  }

  /**
   * Fits a block; the result's tensors belong to the open scope.
   *
   * @param block the experts that are left and their router
   * @param tokens inputs and targets
   */
  public static FitResult fit(MoeBlock block, RepairTokens tokens, FitOptions options) {
    return fit(block, tokens, options, TrainingState.NONE, TrainingObserver.NONE);
  }

  /**
   * Fits a block; the result's tensors belong to the open scope.
   *
   * @param block the experts that are left and their router
   * @param tokens inputs and targets
   * @param state where the fit is stored, and goes on from
   * @param observer is told each step
   */
  public static FitResult fit(
      MoeBlock block,
      RepairTokens tokens,
      FitOptions options,
      TrainingState state,
      TrainingObserver observer) {
    var objective = new OutputObjective(tokens);
    return fit(
        block, b -> BlockWeights.of(b, options.trained()), objective, options, state, observer);
  }

  /**
   * Fits a block; the result's tensors belong to the open scope.
   *
   * @param block what is fitted
   * @param start its weights that are trained, read into the open scope
   * @param objective what is made small
   * @param state where the fit is stored, and goes on from
   * @param observer is told each step
   */
  static FitResult fit(
      MoeBlock block,
      Function<MoeBlock, Trainable> start,
      FitObjective objective,
      FitOptions options,
      TrainingState state,
      TrainingObserver observer) {
    try (var scope = Scope.open()) {
      Fit fit = new Fit(start.apply(block), objective, options);
      FitResult result = fit.run(block, options, state, observer);
      result.weights().forEach(scope::keep);
      scope.keep(result.block().router().weight());
      result.block().experts().forEach(expert -> expert.parts().values().forEach(scope::keep));
      return result;
    }
  }

  private FitResult run(
      MoeBlock block, FitOptions options, TrainingState state, TrainingObserver observer) {
    double before = heldOut();
    if (before == 0) {
      return unchanged(block, before, TrainingHistory.none(before));
    }
    Training.Result result = Training.run(this, options.training(), state, observer);
    TrainingHistory history = result.history();
    if (history.bestStep() == 0) {
      return unchanged(block, before, history);
    }
    MoeBlock fitted = trainable.with(result.best());
    return new FitResult(
        block.with(fitted.router(), fitted.experts()),
        result.best(),
        history.heldOutBefore(),
        history.heldOutAfter(),
        history.bestStep(),
        history);
  }

  private static FitResult unchanged(MoeBlock block, double error, TrainingHistory history) {
    return new FitResult(block, List.of(), error, error, 0, history);
  }

  @Override
  public List<Tensor> parameters() {
    return trainable.masters();
  }

  @Override
  public Batch next() {
    int[] tokens = order.next();
    try (var recording = Autograd.record()) {
      Tensor loss = objective.loss(trainable.current(), tokens);
      double value = loss.item();
      return new Batch(value, recording.gradients(loss, trainable.masters()), tokens.length);
    }
  }

  @Override
  public void skip(int batches) {
    order.skip(batches);
  }

  @Override
  public double heldOut() {
    try (var _ = Scope.open()) {
      return objective.heldOut(trainable.current());
    }
  }
}
