package dev.smelt.routing.repair;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.routing.train.TrainingHistory;
import java.util.List;
import java.util.Optional;

/**
 * What was done to a layer. Errors are those of the routed experts against their targets, relative
 * to the energy of the targets.
 *
 * @param layer index of the decoder layer
 * @param survivors original indices of the experts that are left
 * @param trainingBefore error of the edited layer on the tokens that were learnt from
 * @param trainingAfter the same after the repair
 * @param heldOutBefore error of the edited layer on held-out tokens
 * @param heldOutRefitted the same after the refit
 * @param heldOutAfter the same after the repair, in the type of the checkpoint
 * @param fitSteps steps of the fit that were kept
 * @param scarce experts, by their new index, with fewer routed tokens than their width
 * @param unrouted experts, by their new index, without a routed token
 * @param fit how the gradient fit went, if there was one and it is not left out
 */
public record LayerRepair(
    int layer,
    List<Integer> survivors,
    double trainingBefore,
    double trainingAfter,
    double heldOutBefore,
    double heldOutRefitted,
    double heldOutAfter,
    int fitSteps,
    List<Integer> scarce,
    List<Integer> unrouted,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<TrainingHistory> fit) {
  /** Copies the lists. */
  public LayerRepair {
    survivors = List.copyOf(survivors);
    scarce = List.copyOf(scarce);
    unrouted = List.copyOf(unrouted);
  }

  /** The same without the steps of the fit. */
  public LayerRepair brief() {
    return new LayerRepair(
        layer,
        survivors,
        trainingBefore,
        trainingAfter,
        heldOutBefore,
        heldOutRefitted,
        heldOutAfter,
        fitSteps,
        scarce,
        unrouted,
        Optional.empty());
  }
}
