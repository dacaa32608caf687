package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.ExpertTensor.Sliced;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A decoder layer with experts, as it lies on disk.
 *
 * @param layer index of the decoder layer
 * @param router the router's matrix, [R, H]: a row for each expert, then those of {@link
 *     #extraRows}
 * @param experts the routed experts
 * @param companions what else the router has for each expert
 * @param groups groups that the experts form for the router, runs of equal length; 1 for none
 */
public record MoeLayer(
    int layer,
    StoredTensor router,
    ExpertStorage experts,
    RouterCompanions companions,
    int groups) {

  /**
   * What a router may have beside its matrix, one entry for each row.
   *
   * @param bias biases of the logits, [R]
   * @param correction biases of the scores for the choice only, [R] or [1, R]
   * @param expertScale factors on gate values, [R]
   */
  public record RouterCompanions(
      Optional<StoredTensor> bias,
      Optional<StoredTensor> correction,
      Optional<StoredTensor> expertScale) {
    /** Nothing. */
    public static final RouterCompanions NONE =
        new RouterCompanions(Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** A layer whose router is only a matrix. */
  public MoeLayer(int layer, StoredTensor router, ExpertStorage experts) {
    this(layer, router, experts, RouterCompanions.NONE, 1);
  }

  /** Rows of the router after those of the experts: choices that stand for no weights. */
  public int extraRows() {
    return (int) router.dim(0) - experts.count();
  }

  /** Every tensor that changes with the set of experts. */
  public List<ExpertTensor> perExpertTensors() {
    List<ExpertTensor> all = new ArrayList<>(routerTensors());
    all.addAll(experts.parts());
    return List.copyOf(all);
  }

  /** The tensors of the router that have an entry for each expert. */
  public List<ExpertTensor> routerTensors() {
    List<ExpertTensor> all = new ArrayList<>();
    all.add(new Sliced(router, Kind.ROUTER, 0, 1));
    companions.bias().ifPresent(t -> all.add(sliced(t, Kind.ROUTER_BIAS)));
    companions.correction().ifPresent(t -> all.add(sliced(t, Kind.CORRECTION)));
    companions.expertScale().ifPresent(t -> all.add(sliced(t, Kind.EXPERT_SCALE)));
    return List.copyOf(all);
  }

  /** A vector, or a matrix of one row. */
  private static Sliced sliced(StoredTensor tensor, Kind kind) {
    return new Sliced(tensor, kind, tensor.shape().size() - 1, 1);
  }
}
