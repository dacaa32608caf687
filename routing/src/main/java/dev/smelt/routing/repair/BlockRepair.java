package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.repair.LayerRepair.Change;
import dev.smelt.routing.repair.LayerRepair.HeldOut;
import dev.smelt.routing.train.TrainingObserver;
import dev.smelt.routing.train.TrainingState;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A block that was repaired, and the results of the steps.
 *
 * @param block repaired, in the compute type
 * @param edited error of the block as it came, on held-out tokens, if it is known
 * @param training errors on the tokens that were learnt from, if anything was
 * @param refit result of the closed form
 * @param fit result of the gradient fit
 */
record BlockRepair(
    MoeBlock block,
    Optional<Double> edited,
    Optional<Change> training,
    Optional<RefitResult> refit,
    Optional<FitResult> fit) {

  /**
   * What a repair is told about its layer.
   *
   * @param compares whether there are targets
   * @param start the weights of the refitted block that are trained
   * @param objective what is made small
   * @param seed added to that of the options
   * @param state where the fit is stored
   * @param observer is told each step
   */
  record Work(
      boolean compares,
      Function<MoeBlock, Trainable> start,
      Supplier<FitObjective> objective,
      long seed,
      TrainingState state,
      TrainingObserver observer) {
    private FitResult fit(MoeBlock block, FitOptions options) {
      FitOptions seeded = options.withSeed(options.seed() + seed);
      return Fit.fit(block, start, objective.get(), seeded, state, observer);
    }
  }

  /** Refits and fits a block as the options say; its tensors belong to the open scope. */
  static BlockRepair of(MoeBlock block, RepairTokens tokens, RepairOptions options, Work work) {
    if (options.equals(RepairOptions.NONE)) {
      Optional<Double> edited =
          work.compares() ? Optional.of(heldOut(block, tokens)) : Optional.empty();
      return new BlockRepair(block, edited, Optional.empty(), Optional.empty(), Optional.empty());
    }
    Optional<RefitResult> refit = options.refit().map(o -> Refit.refit(block, tokens, o));
    double edited = refit.map(RefitResult::heldOutBefore).orElseGet(() -> heldOut(block, tokens));
    double before = refit.map(RefitResult::trainingBefore).orElseGet(() -> training(block, tokens));
    MoeBlock refitted = refit.map(RefitResult::block).orElse(block);
    Optional<FitResult> fit = options.fit().map(o -> work.fit(refitted, o));
    MoeBlock fitted = fit.map(FitResult::block).orElse(refitted);
    double after =
        fit.isEmpty() && refit.isPresent() ? refit.get().trainingAfter() : training(fitted, tokens);
    Change change = new Change(before, after);
    return new BlockRepair(fitted, Optional.of(edited), Optional.of(change), refit, fit);
  }

  private static double heldOut(MoeBlock block, RepairTokens tokens) {
    return BlockError.of(block, tokens, tokens.split().heldOut()).relative();
  }

  private static double training(MoeBlock block, RepairTokens tokens) {
    return BlockError.of(block, tokens, tokens.split().training()).relative();
  }

  /** The weights that the fit has found; none if the block is as it came. */
  List<Tensor> weights() {
    return fit.map(FitResult::weights).orElse(List.of());
  }

  private HeldOut heldOut(double before, double after) {
    return new HeldOut(before, refit.map(RefitResult::heldOutAfter).orElse(before), after);
  }

  /**
   * What was done to the layer.
   *
   * @param stored error on held-out tokens in the types of the checkpoint, if it is known
   * @param last whether the fit made the divergence of the predicted tokens small
   */
  LayerRepair report(int layer, List<Integer> survivors, Optional<Double> stored, boolean last) {
    return new LayerRepair(
        layer,
        survivors,
        training,
        edited.flatMap(before -> stored.map(after -> heldOut(before, after))),
        fit.filter(_ -> last).map(f -> new Change(f.heldOutBefore(), f.heldOutAfter())),
        fit.map(FitResult::bestStep).orElse(0),
        refit.map(RefitResult::scarce).orElse(List.of()),
        refit.map(RefitResult::unrouted).orElse(List.of()),
        fit.map(FitResult::history));
  }
}
