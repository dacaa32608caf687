package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/** How the routed experts of a layer lie on disk. */
public sealed interface ExpertStorage permits PerExpertStorage, FusedStorage, FlatStorage {
  /** The number of experts. */
  int count();

  /** The width I of an expert. */
  long width();

  /** How the matrices of an expert work together. */
  ExpertForm form();

  /** Loads expert {@code e} in the compute type. */
  Expert load(Weights weights, int e);

  /**
   * An expert's values as they lie on disk.
   *
   * @param e the expert whose tensors are meant
   * @param expert the values, of the same shapes as those that {@link #load} gives
   * @return for each tensor the part of it that is this expert's, in whatever type
   */
  SequencedMap<StoredTensor, Tensor> arrange(int e, Expert expert);

  /** Whether values are stored with scales. */
  default boolean isQuantised() {
    return parts().stream().anyMatch(part -> part.kind() == ExpertTensor.Kind.QUANTISATION);
  }

  /**
   * Where the same experts would lie in BF16. Its tensors are names, types and shapes of an output;
   * nothing can be loaded from them.
   */
  default ExpertStorage unquantised() {
    return this;
  }

  /** Whether {@link Fp8#quantise} gives the values and scales of this storage. */
  default boolean isFp8() {
    return false;
  }

  /** Every tensor that holds experts or scales of their quantised values, and what is whose. */
  List<ExpertTensor> parts();

  /** The tensors that hold the experts, with biases and scales of quantised values. */
  default List<StoredTensor> tensors() {
    return parts().stream().map(ExpertTensor::tensor).toList();
  }
}
