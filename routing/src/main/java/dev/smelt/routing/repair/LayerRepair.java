package dev.smelt.routing.repair;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.routing.train.TrainingHistory;
import java.util.List;
import java.util.Optional;

/**
 * What was done to a layer. Errors are those of the routed experts against their targets, relative
 * to the energy of the targets. The fit of the last layer makes the divergence of the predicted
 * tokens small instead, which may raise the error.
 *
 * @param layer index of the decoder layer
 * @param survivors original indices of the experts that are left
 * @param training errors on the tokens that were learnt from, if anything was learnt
 * @param heldOut errors on the other tokens, if the original model's tokens were there
 * @param divergence Kullback-Leibler divergence of the predicted tokens in nats per held-out token,
 *     before and after the fit of the last layer
 * @param fitSteps steps of the fit that were kept
 * @param scarce experts, by their new index, with fewer routed tokens than their width
 * @param unrouted experts, by their new index, without a routed token
 * @param fit how the gradient fit went, if there was one and it is not left out
 */
public record LayerRepair(
    int layer,
    List<Integer> survivors,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Change> training,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<HeldOut> heldOut,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Change> divergence,
    int fitSteps,
    List<Integer> scarce,
    List<Integer> unrouted,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<TrainingHistory> fit) {
  /** A measure before and after a repair. */
  public record Change(double before, double after) {}

  /**
   * Errors on held-out tokens.
   *
   * @param before of the edited layer
   * @param refitted after the refit
   * @param after after the repair, in the type of the checkpoint
   */
  public record HeldOut(double before, double refitted, double after) {}

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
        training,
        heldOut,
        divergence,
        fitSteps,
        scarce,
        unrouted,
        Optional.empty());
  }
}
