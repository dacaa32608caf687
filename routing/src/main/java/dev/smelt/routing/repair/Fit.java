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

  private Fit(MoeBlock block, RepairTokens tokens, FitOptions options) {
    this.tokens = tokens;
    trainable = Trainable.of(block, options.trained());
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
    try (var scope = Scope.open()) {
      FitResult result = new Fit(block, tokens, options).run(block, options, state, observer);
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
      return new FitResult(block, before, before, 0, TrainingHistory.none(before));
    }
    Training.Result result = Training.run(this, options.training(), state, observer);
    TrainingHistory history = result.history();
    if (history.bestStep() == 0) {
      return new FitResult(block, before, before, 0, history);
    }
    MoeBlock fitted = trainable.with(result.best());
    return new FitResult(
        block.with(fitted.router(), fitted.experts()),
        history.heldOutBefore(),
        history.heldOutAfter(),
        history.bestStep(),
        history);
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
