package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/** A stored tensor that changes with the set of experts. */
public sealed interface ExpertTensor {
  /** The tensor. */
  StoredTensor tensor();

  /** What it holds. */
  Kind kind();

  /** What a tensor holds. */
  enum Kind {
    /** Rows of the router's matrix. */
    ROUTER,
    /** Biases of the router's logits. */
    ROUTER_BIAS,
    /** Biases of the scores, for the choice only. */
    CORRECTION,
    /** Factors on gate values. */
    EXPERT_SCALE,
    /** Matrices of experts, in whatever type. */
    WEIGHT,
    /** Biases of experts. */
    BIAS,
    /** Scales of quantised matrices. */
    QUANTISATION
  }

  /** A tensor of an output in BF16 that replaces a stored one, of which it has only the file. */
  static StoredTensor planned(StoredTensor replaced, String name, List<Long> shape) {
    TensorInfo info = new TensorInfo(name, Dtype.BF16, shape);
    return new StoredTensor(info, replaced.file(), 0, info.bytes());
  }

  /** A tensor of an output that replaces a stored one of another length in one dimension. */
  static StoredTensor resized(StoredTensor replaced, int dimension, long length) {
    List<Long> shape = new ArrayList<>(replaced.shape());
    shape.set(dimension, length);
    TensorInfo info = new TensorInfo(replaced.name(), replaced.dtype(), shape);
    return new StoredTensor(info, replaced.file(), 0, info.bytes());
  }

  /**
   * A tensor that holds a part of every expert, one after the other; what comes after the last
   * expert belongs to none and stays last.
   *
   * @param tensor the tensor
   * @param kind what it holds
   * @param dimension the dimension that counts experts
   * @param span entries of that dimension that belong to one expert
   */
  record Sliced(StoredTensor tensor, Kind kind, int dimension, long span) implements ExpertTensor {}

  /**
   * A tensor of one expert, whose number is in its name.
   *
   * @param tensor the tensor
   * @param kind what it holds
   * @param expert the expert
   * @param prefix its name up to the number
   * @param suffix its name from the number on
   */
  record Owned(StoredTensor tensor, Kind kind, int expert, String prefix, String suffix)
      implements ExpertTensor {
    /** The name of the same tensor of another expert. */
    public String nameFor(int other) {
      return prefix + other + suffix;
    }
  }
}
