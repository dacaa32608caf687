package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import java.util.List;

/**
 * A refitted block. Errors are relative to the energy of the targets.
 *
 * @param block router as before, experts with refitted down projections
 * @param trainingBefore error on the tokens that were learnt from, before
 * @param trainingAfter the same, after
 * @param heldOutBefore error on the tokens that were held out, before
 * @param heldOutAfter the same, after
 * @param sweeps passes over the experts
 * @param scarce experts with fewer routed tokens than their width; their ridge was stronger
 * @param unrouted experts without a routed token; they are as before
 */
public record RefitResult(
    MoeBlock block,
    double trainingBefore,
    double trainingAfter,
    double heldOutBefore,
    double heldOutAfter,
    int sweeps,
    List<Integer> scarce,
    List<Integer> unrouted) {
  /** Copies the lists. */
  public RefitResult {
    scarce = List.copyOf(scarce);
    unrouted = List.copyOf(unrouted);
  }
}
