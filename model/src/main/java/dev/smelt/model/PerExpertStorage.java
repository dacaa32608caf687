package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.ExpertTensor.Owned;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * A tensor for each matrix of each expert.
 *
 * @param experts the matrices, in the order of the router's rows
 * @param form how they work together
 * @param prefix the names of all these tensors up to the number of the expert
 * @param scales scales of quantised matrices, by expert
 */
public record PerExpertStorage(
    List<StoredExpert> experts, ExpertForm form, String prefix, List<List<StoredTensor>> scales)
    implements ExpertStorage {
  /** Copies the lists. */
  public PerExpertStorage {
    experts = List.copyOf(experts);
    scales = scales.stream().map(List::copyOf).toList();
  }

  /**
   * The matrices of one expert.
   *
   * @param gate [I, H]; the same as {@code up} if there is no gate
   * @param up [I, H]
   * @param down [H, I]
   */
  public record StoredExpert(StoredTensor gate, StoredTensor up, StoredTensor down) {
    /** Gate, up, down; without gate: up, down. */
    public List<StoredTensor> matrices() {
      return gate.equals(up) ? List.of(up, down) : List.of(gate, up, down);
    }

    private StoredExpert unquantised() {
      return new StoredExpert(bf16(gate), bf16(up), bf16(down));
    }

    private StoredExpert resized(long width) {
      return new StoredExpert(
          ExpertTensor.resized(gate, 0, width),
          ExpertTensor.resized(up, 0, width),
          ExpertTensor.resized(down, 1, width));
    }

    private static StoredTensor bf16(StoredTensor source) {
      return ExpertTensor.planned(source, source.name(), source.shape());
    }
  }

  @Override
  public int count() {
    return experts.size();
  }

  @Override
  public long width() {
    return experts.getFirst().up().dim(0);
  }

  @Override
  public Expert load(Weights weights, int e) {
    StoredExpert stored = experts.get(e);
    Tensor up = weights.load(stored.up());
    return new Expert(
        form.gated() ? weights.load(stored.gate()) : up,
        up,
        weights.load(stored.down()),
        form,
        Optional.empty());
  }

  @Override
  public SequencedMap<StoredTensor, Tensor> arrange(int e, Expert expert) {
    SequencedMap<StoredTensor, Tensor> arranged = new LinkedHashMap<>();
    if (form.gated()) {
      arranged.put(experts.get(e).gate(), expert.gate());
    }
    arranged.put(experts.get(e).up(), expert.up());
    arranged.put(experts.get(e).down(), expert.down());
    return arranged;
  }

  @Override
  public List<ExpertTensor> parts() {
    List<ExpertTensor> parts = new ArrayList<>();
    for (int e = 0; e < experts.size(); e++) {
      for (StoredTensor matrix : experts.get(e).matrices()) {
        parts.add(owned(matrix, Kind.WEIGHT, e));
      }
      for (StoredTensor scale : scales.get(e)) {
        parts.add(owned(scale, Kind.QUANTISATION, e));
      }
    }
    return parts;
  }

  @Override
  public boolean isFp8() {
    return isQuantised();
  }

  @Override
  public ExpertStorage unquantised() {
    return isQuantised()
        ? new PerExpertStorage(
            experts.stream().map(StoredExpert::unquantised).toList(),
            form,
            prefix,
            experts.stream().map(e -> List.<StoredTensor>of()).toList())
        : this;
  }

  @Override
  public ExpertStorage resized(long width) {
    List<StoredExpert> other = experts.stream().map(expert -> expert.resized(width)).toList();
    return new PerExpertStorage(other, form, prefix, scales);
  }

  private Owned owned(StoredTensor tensor, Kind kind, int e) {
    String suffix = tensor.name().substring(prefix.length() + Integer.toString(e).length());
    return new Owned(tensor, kind, e, prefix, suffix);
  }
}
