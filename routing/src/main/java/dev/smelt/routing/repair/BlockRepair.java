package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TrainingObserver;
import dev.smelt.routing.train.TrainingState;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A block that was repaired, and the results of the steps.
 *
 * @param block repaired, in the compute type
 * @param edited error of the block as it came
 * @param training error on the tokens that were learnt from, of the block as it came
 * @param refit result of the closed form
 * @param fit result of the gradient fit
 * @param trainingAfter error on the tokens that were learnt from, after the repair
 */
record BlockRepair(
    MoeBlock block,
    double edited,
    double training,
    Optional<RefitResult> refit,
    Optional<FitResult> fit,
    double trainingAfter) {

  /**
   * Refits and fits a block as the options say; its tensors belong to the open scope.
   *
   * @param start the weights of the refitted block that are trained
   * @param seed added to that of the fit
   * @param state where the fit is stored
   * @param observer is told each step of the fit
   */
  static BlockRepair of(
      MoeBlock block,
      Function<MoeBlock, Trainable> start,
      RepairTokens tokens,
      RepairOptions options,
      long seed,
      TrainingState state,
      TrainingObserver observer) {
    TokenSplit split = tokens.split();
    double edited = BlockError.of(block, tokens, split.heldOut()).relative();
    double training = BlockError.of(block, tokens, split.training()).relative();
    Optional<RefitResult> refit = options.refit().map(o -> Refit.refit(block, tokens, o));
    MoeBlock refitted = refit.map(RefitResult::block).orElse(block);
    Optional<FitResult> fit =
        options
            .fit()
            .map(o -> o.withSeed(o.seed() + seed))
            .map(o -> Fit.fit(refitted, start, tokens, o, state, observer));
    MoeBlock fitted = fit.map(FitResult::block).orElse(refitted);
    double after = BlockError.of(fitted, tokens, split.training()).relative();
    return new BlockRepair(fitted, edited, training, refit, fit, after);
  }

  /** The weights that the fit has found; none if the block is as it came. */
  List<Tensor> weights() {
    return fit.map(FitResult::weights).orElse(List.of());
  }

  LayerRepair report(int layer, List<Integer> survivors, double stored) {
    return new LayerRepair(
        layer,
        survivors,
        training,
        trainingAfter,
        edited,
        refit.map(RefitResult::heldOutAfter).orElse(edited),
        stored,
        fit.map(FitResult::bestStep).orElse(0),
        refit.map(RefitResult::scarce).orElse(List.of()),
        refit.map(RefitResult::unrouted).orElse(List.of()),
        fit.map(FitResult::history));
  }
}
