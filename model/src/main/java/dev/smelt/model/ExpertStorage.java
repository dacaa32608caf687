package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/** How the routed experts of a layer lie on disk. */
public sealed interface ExpertStorage
    permits PerExpertStorage, FusedStorage, FlatStorage, CompactStorage {
  /** The number of experts. */
  int count();

  /** The width I of an expert. */
  long width();

  /** How the matrices of an expert work together. */
  ExpertForm form();

  /** For each expert a number that it has in common with those that are the same one. */
  default List<Integer> sharing() {
    return IntStream.range(0, count()).boxed().toList();
  }

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

  /** Whether projections have biases. */
  default boolean isBiased() {
    return parts().stream().anyMatch(part -> part.kind() == ExpertTensor.Kind.BIAS);
  }

  /** The type in which new values of the experts are stored: BF16 where they are quantised. */
  default Dtype valueType() {
    return plain(tensors().getFirst().dtype());
  }

  /** A type that can be computed with as it is; BF16 instead of others. */
  static Dtype plain(Dtype stored) {
    return List.of(Dtype.F64, Dtype.F32, Dtype.F16, Dtype.BF16).contains(stored)
        ? stored
        : Dtype.BF16;
  }

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

  /**
   * Where experts of another width would lie. Its tensors are names, types and shapes of an output;
   * nothing can be loaded from them. Not for quantised experts.
   */
  default ExpertStorage resized(long width) {
    throw SmeltException.unsupported(
        "experts that are stored in parts cannot get the width " + width, "materialize them first");
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
