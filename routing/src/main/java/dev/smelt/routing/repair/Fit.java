package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Fits router and experts of one layer to its targets by gradients: a short run of Adam on batches
 * of the layer's tokens, with the best weights on held-out tokens kept.
 *
 * <p>The choice of the experts has no gradient; the gate values of the chosen ones carry it to the
 * router. Weights are trained in F32 and computed with in the type of the block.
 *
 * <p>Memory: four F32 copies of the layer's weights (weights, two moments, the best), one more for
 * gradients, and the intermediate values of one batch.
 */
public final class Fit {
  private final RepairTokens tokens;
  private final FitOptions options;
  private final Trainable trainable;
  private final double energy;
  private final int[] order;
  private final Random random;
  private int next;

  private Fit(MoeBlock block, RepairTokens tokens, FitOptions options) {
    this.tokens = tokens;
    this.options = options;
    trainable = Trainable.of(block);
    order = tokens.split().training().clone();
    random = new Random(options.seed());
    next = order.length;
    energy = energy();
  }

  /**
   * Fits a block; the result's tensors belong to the open scope.
   *
   * @param block the experts that are left and their router
   * @param tokens inputs and targets
   */
  public static FitResult fit(MoeBlock block, RepairTokens tokens, FitOptions options) {
    try (var scope = Scope.open()) {
      FitResult result = new Fit(block, tokens, options).run(block);
      scope.keep(result.block().router().weight());
      result
          .block()
          .experts()
          .forEach(
              expert -> {
                scope.keep(expert.gate());
                scope.keep(expert.up());
                scope.keep(expert.down());
              });
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

  private FitResult run(MoeBlock block) {
    double before = BlockError.of(block, tokens, tokens.split().heldOut()).relative();
    Best best = new Best(before, 0, trainable.masters().stream().map(Tensor::copy).toList());
    if (energy > 0 && before > 0) {
      Adam adam = new Adam(trainable.masters());
      for (int step = 0; step < options.steps(); step++) {
        step(adam, options.rate(step));
        if ((step + 1) % options.checkEvery() == 0 || step + 1 == options.steps()) {
          best = best.orBetter(heldOut(), step + 1, trainable.masters());
        }
      }
    }
    if (best.step() == 0) {
      return new FitResult(block, before, before, 0);
    }
    MoeBlock fitted = trainable.with(best.weights());
    return new FitResult(
        block.with(fitted.router(), fitted.experts()), before, best.error(), best.step());
  }

  private double heldOut() {
    try (var _ = Scope.open()) {
      return BlockError.of(trainable.current(), tokens, tokens.split().heldOut()).relative();
    }
  }

  private void step(Adam adam, double rate) {
    try (var _ = Scope.open()) {
      adam.step(gradients(tokens.rows(batch())), rate);
    }
  }

  private List<Tensor> gradients(RepairTokens.Rows rows) {
    try (var recording = Autograd.record()) {
      Tensor loss = loss(trainable.current(), rows, energy);
      return recording.gradients(loss, trainable.masters());
    }
  }

  /** The error of a batch relative to the mean energy of a token. */
  static Tensor loss(MoeBlock block, RepairTokens.Rows rows, double energy) {
    Dtype wide = rows.targets().dtype();
    Tensor output = block.apply(rows.inputs(), 0, MoeObserver.NONE).to(wide);
    Tensor errors = rows.targets().sub(output).square().mul(rows.weights());
    return errors.sum().mul(1 / (energy * rows.targets().size(0)));
  }

  /** The next tokens of a walk through all training tokens in random order, ascending. */
  private int[] batch() {
    if (next + options.batchTokens() > order.length) {
      shuffle();
      next = 0;
    }
    int to = Math.min(order.length, next + options.batchTokens());
    int[] batch = Arrays.copyOfRange(order, next, to);
    next = to;
    Arrays.sort(batch);
    return batch;
  }

  private void shuffle() {
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }

  /**
   * The best weights so far.
   *
   * @param error on held-out tokens
   * @param step after which they were seen
   * @param weights a copy, overwritten by better ones
   */
  private record Best(double error, int step, List<Tensor> weights) {
    private Best orBetter(double other, int after, List<Tensor> masters) {
      if (!(other < error)) {
        return this;
      }
      for (int i = 0; i < weights.size(); i++) {
        weights.get(i).copyFrom(masters.get(i));
      }
      return new Best(other, after, weights);
    }
  }
}
