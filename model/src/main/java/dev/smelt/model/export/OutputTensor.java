package dev.smelt.model.export;

import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import java.util.List;
import java.util.Set;

/**
 * A tensor of the output and where its bytes come from.
 *
 * @param info name, type and shape in the output
 * @param source the tensor that it was in the source
 * @param origin how it follows from the source
 */
record OutputTensor(TensorInfo info, StoredTensor source, Origin origin) {
  /** Where the bytes come from. */
  sealed interface Origin {}

  /** The bytes of the source. */
  record Copied() implements Origin {}

  /**
   * The parts of some experts, one after the other, then what belongs to no expert.
   *
   * @param experts source experts in their new order
   * @param computed positions that the caller writes
   * @param span entries of each expert along the dimension that counts experts
   * @param tail entries after those of the last expert of the source
   */
  record Sliced(List<Integer> experts, Set<Integer> computed, long span, long tail)
      implements Origin {
    /** The same parts of other experts. */
    Sliced of(List<Integer> others) {
      return new Sliced(others, computed, span, tail);
    }
  }

  /** The values of the source, and zeros after its last entries of a dimension. */
  record Padded(int dimension) implements Origin {}

  /** Values that the caller writes. */
  record Computed() implements Origin {}
}
