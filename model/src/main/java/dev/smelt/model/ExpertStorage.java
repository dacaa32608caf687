package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/** How the routed experts of a layer lie on disk. */
public sealed interface ExpertStorage {
  /** The number of experts. */
  int count();

  /** The width I of an expert. */
  long width();

  /** Loads expert {@code e} in the compute type. */
  Expert load(Weights weights, int e);

  /** The tensors that hold the experts. */
  List<StoredTensor> tensors();

  /** A tensor for each matrix of each expert. */
  record PerExpert(List<StoredExpert> experts) implements ExpertStorage {
    /** Copies the list. */
    public PerExpert {
      experts = List.copyOf(experts);
    }

    @Override
    public int count() {
      return experts.size();
    }

    @Override
    public long width() {
      return experts.getFirst().gate().dim(0);
    }

    @Override
    public Expert load(Weights weights, int e) {
      StoredExpert stored = experts.get(e);
      return new Expert(
          weights.load(stored.gate()), weights.load(stored.up()), weights.load(stored.down()));
    }

    @Override
    public List<StoredTensor> tensors() {
      return experts.stream().flatMap(e -> e.matrices().stream()).toList();
    }
  }

  /**
   * The matrices of one expert.
   *
   * @param gate [I, H]
   * @param up [I, H]
   * @param down [H, I]
   */
  record StoredExpert(StoredTensor gate, StoredTensor up, StoredTensor down) {
    /** Gate, up, down. */
    public List<StoredTensor> matrices() {
      return List.of(gate, up, down);
    }
  }

  /**
   * All experts in two tensors.
   *
   * @param gateUp [E, 2I, H]: the rows of gate, then those of up
   * @param down [E, H, I]
   */
  record Fused(StoredTensor gateUp, StoredTensor down) implements ExpertStorage {
    @Override
    public int count() {
      return (int) gateUp.dim(0);
    }

    @Override
    public long width() {
      return down.dim(2);
    }

    @Override
    public Expert load(Weights weights, int e) {
      Tensor both = Weights.stored(weights.checkpoint(), gateUp).select(0, e).to(weights.dtype());
      Tensor last = Weights.stored(weights.checkpoint(), down).select(0, e).to(weights.dtype());
      return new Expert(both.narrow(0, 0, width()), both.narrow(0, width(), width()), last);
    }

    @Override
    public List<StoredTensor> tensors() {
      return List.of(gateUp, down);
    }
  }
}
