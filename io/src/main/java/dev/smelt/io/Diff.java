package dev.smelt.io;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What differs between two checkpoints.
 *
 * @param tensors every tensor of either, in the order of the first, then what only the second has
 * @param config the config.json fields that differ, in the order of the first, then of the second
 */
public record Diff(List<TensorDifference> tensors, List<FieldDifference> config) {
  /** Copies the lists. */
  public Diff {
    tensors = List.copyOf(tensors);
    config = List.copyOf(config);
  }

  /** How a tensor of the first checkpoint relates to that of the second. */
  public enum Kind {
    /** Type, shape and all bytes are the same. */
    EQUAL,
    /** Both have it, but type, shape or values differ. */
    CHANGED,
    /** Only the second has it. */
    ADDED,
    /** Only the first has it. */
    GONE
  }

  /**
   * One tensor.
   *
   * @param name the name in either checkpoint
   * @param kind how they relate
   * @param first the tensor of the first checkpoint, if it has one
   * @param second the tensor of the second checkpoint, if it has one
   * @param change how far the values of a changed tensor are apart; empty if shapes differ or a
   *     type is not floating
   */
  public record TensorDifference(
      String name,
      Kind kind,
      Optional<TensorInfo> first,
      Optional<TensorInfo> second,
      Optional<Change> change) {}

  /**
   * How far the values of two tensors are apart. A NaN in either makes both numbers NaN.
   *
   * @param relativeError the Frobenius norm of the difference over that of the first tensor;
   *     infinite if the first is all zeros and the second is not
   * @param maxAbsolute the largest absolute difference of two values
   */
  public record Change(double relativeError, double maxAbsolute) {}

  /**
   * One config.json field, or array, that differs.
   *
   * @param path the dotted path
   * @param first the value in the first as JSON, if it is there
   * @param second the value in the second as JSON, if it is there
   */
  public record FieldDifference(String path, Optional<String> first, Optional<String> second) {}

  /** Whether all tensors and all config fields are the same. */
  public boolean isEmpty() {
    return config.isEmpty() && count(Kind.EQUAL) == tensors.size();
  }

  /** The number of tensors of a kind. */
  public long count(Kind kind) {
    return tensors.stream().filter(tensor -> tensor.kind() == kind).count();
  }

  /** The largest relative error of all changed tensors that have one; NaN if one is NaN. */
  public OptionalDouble largestRelativeError() {
    return tensors.stream()
        .flatMap(tensor -> tensor.change().stream())
        .mapToDouble(Change::relativeError)
        .max();
  }
}
