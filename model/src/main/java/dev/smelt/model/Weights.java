package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads stored tensors for computing: mapped memory as it is where the type fits, else a copy in
 * the compute type. Quantised values are multiplied with their scales.
 *
 * @param checkpoint where the tensors are; must stay open as long as they are used
 * @param dtype the compute type
 * @param replaced tensors that stand in for stored ones of the same name and shape, such as weights
 *     in training; none of them is quantised
 */
public record Weights(Checkpoint checkpoint, Dtype dtype, Map<String, Tensor> replaced) {
  /** Copies the map. */
  public Weights {
    replaced = Map.copyOf(replaced);
  }

  /** The weights as they are stored. */
  public Weights(Checkpoint checkpoint, Dtype dtype) {
    this(checkpoint, dtype, Map.of());
  }

  /** The tensor of this name in the compute type. */
  public Tensor load(String name) {
    return load(checkpoint.require(name));
  }

  /** The tensor of this name if the checkpoint has it. */
  public Optional<Tensor> find(String name) {
    return checkpoint.find(name).map(this::load);
  }

  /** A stored tensor in the compute type. */
  public Tensor load(StoredTensor stored) {
    Optional<StoredTensor> scales =
        stored.dtype().bytes() == 1
            ? checkpoint.find(stored.name() + Fp8.SCALES)
            : Optional.empty();
    return scales.map(s -> Fp8.load(this, stored, s)).orElseGet(() -> own(stored).to(dtype));
  }

  /** A stored tensor in {@link #wide()}. */
  public Tensor loadWide(StoredTensor stored) {
    return own(stored).to(wide());
  }

  /**
   * The type of what is computed with more precision: F64 if that is the compute type, else F32.
   */
  public Dtype wide() {
    return dtype.equals(Dtype.F64) ? Dtype.F64 : Dtype.F32;
  }

  /** What stands for a stored tensor, in its own type; it must not be modified. */
  public Tensor own(StoredTensor stored) {
    Tensor other = replaced.get(stored.name());
    return other == null ? stored(checkpoint, stored) : other;
  }

  /** A stored tensor in its own type, over the mapped memory; it must not be modified. */
  public static Tensor stored(Checkpoint checkpoint, StoredTensor stored) {
    if (!stored.dtype().isFloating()) {
      throw SmeltException.unsupported(
          stored.file() + ": tensor '" + stored.name() + "' has type " + stored.dtype(),
          "smelt computes with F64, F32, F16, BF16 and F8 tensors");
    }
    return raw(checkpoint, stored);
  }

  /** A stored tensor of whatever type, over the mapped memory; it must not be modified. */
  static Tensor raw(Checkpoint checkpoint, StoredTensor stored) {
    return Tensors.ofMemory(checkpoint.data(stored), stored.dtype(), dims(stored.shape()));
  }

  /** Shape as libtorch wants it. */
  public static long[] dims(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
