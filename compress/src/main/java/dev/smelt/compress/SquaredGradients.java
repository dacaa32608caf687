package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/**
 * The diagonal of the empirical Fisher information of the experts of a layer: the mean over
 * sequences of the squared gradient of the sequence's loss.
 *
 * @param experts for each stored expert the squares of every matrix, of its shape, F32 or F64; zero
 *     for an expert that no token chose
 * @param counts for each stored expert how many tokens chose it
 */
record SquaredGradients(List<SequencedMap<ExpertPart, Tensor>> experts, long[] counts) {
  /** Copies the list. */
  SquaredGradients {
    experts = List.copyOf(experts);
  }
}
