package dev.smelt.model.export;

import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import java.util.List;

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

  /** The entries of the first dimension that are listed, except those that are computed. */
  record Sliced(int layer, List<Integer> entries) implements Origin {}

  /** Values that the caller writes. */
  record Computed() implements Origin {}
}
