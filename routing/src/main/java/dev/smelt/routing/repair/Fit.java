package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
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
 * Fits router and experts of one layer to its targets by gradients, on batches of the layer's
 * tokens, with the best weights on held-out tokens kept.
 *
 * <p>The choice of the experts has no gradient; the gate values of the chosen ones carry it to the
 * router. Weights are trained in F32 and computed with in the type of the block.
 *
 * <p>Memory: four F32 copies of the layer's weights (weights, two moments, the best), one more for
 * gradients, and the intermediate values of one batch.
 */
public final class Fit implements TrainingTask {
  private final RepairTokens tokens;
  private final Trainable trainable;
  private final double energy;
  private final RandomOrder order;

  private Fit(Trainable trainable, RepairTokens tokens, FitOptions options) {
    this.tokens = tokens;
    this.trainable = trainable;
    order = new RandomOrder(tokens.split().training(), options.batchTokens(), options.seed());
    energy = energy();
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
    return fit(block, b -> BlockWeights.of(b, options.trained()), tokens, options, state, observer);
  }

  /**
   * Fits a block; the result's tensors belong to the open scope.
   *
   * @param block what is fitted
   * @param start its weights that are trained, read into the open scope
   * @param tokens inputs and targets
   * @param state where the fit is stored, and goes on from
   * @param observer is told each step
   */
  static FitResult fit(
      MoeBlock block,
      Function<MoeBlock, Trainable> start,
      RepairTokens tokens,
      FitOptions options,
      TrainingState state,
      TrainingObserver observer) {
    try (var scope = Scope.open()) {
      Fit fit = new Fit(start.apply(block), tokens, options);
      FitResult result = fit.run(block, options, state, observer);
      result.weights().forEach(scope::keep);
      scope.keep(result.block().router().weight());
      result.block().experts().forEach(expert -> expert.parts().values().forEach(scope::keep));
      return result;
    }
  }

  private double energy() {
    double[] sum = {0};
    tokens.forEach(
        tokens.split().training(),
        piece ->
            sum[0] += piece.rows().targets().square().mul(piece.rows().weights()).sum().item());
    return sum[0] / Math.max(1, tokens.split().training().length);
  }

  private FitResult run(
      MoeBlock block, FitOptions options, TrainingState state, TrainingObserver observer) {
    double before = heldOut();
    if (!(energy > 0) || before == 0) {
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
    RepairTokens.Rows rows = tokens.rows(order.next());
    try (var recording = Autograd.record()) {
      Tensor loss = loss(trainable.current(), rows, energy);
      double value = loss.item();
      return new Batch(
          value, recording.gradients(loss, trainable.masters()), rows.targets().size(0));
    }
  }

  @Override
  public void skip(int batches) {
    order.skip(batches);
  }

  @Override
  public double heldOut() {
    try (var _ = Scope.open()) {
      return BlockError.of(trainable.current(), tokens, tokens.split().heldOut()).relative();
    }
  }

  /** The error of a batch relative to the mean energy of a token. */
  static Tensor loss(MoeBlock block, RepairTokens.Rows rows, double energy) {
    Dtype wide = rows.targets().dtype();
    Tensor output = block.apply(rows.inputs(), 0, MoeObserver.NONE).to(wide);
    Tensor errors = rows.targets().sub(output).square().mul(rows.weights());
    return errors.sum().mul(1 / (energy * rows.targets().size(0)));
  }
}
