package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TrainingHistory;
import java.util.List;

/**
 * A fitted block. Errors are relative to the energy of the targets, on held-out tokens.
 *
 * @param block fitted router and experts
 * @param weights the fitted weights in the order of what was trained; none if the block is as it
 *     came
 * @param heldOutBefore error before
 * @param heldOutAfter error after, never larger
 * @param bestStep steps after which the block was best; 0 is the block as it came
 * @param history the steps
 */
public record FitResult(
    MoeBlock block,
    List<Tensor> weights,
    double heldOutBefore,
    double heldOutAfter,
    int bestStep,
    TrainingHistory history) {
  /** Copies the list. */
  public FitResult {
    weights = List.copyOf(weights);
  }
}
