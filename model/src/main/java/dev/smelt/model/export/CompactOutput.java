package dev.smelt.model.export;

import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.tensor.Tensor;

/** Takes experts layer by layer and writes them, in stock or in compact form. */
public interface CompactOutput {
  /**
   * Takes what all experts of a layer share of a matrix, before any of them.
   *
   * @param layer index of the decoder layer
   * @param part the matrix
   * @param values contiguous, in the type in which they are stored
   */
  void base(int layer, ExpertPart part, Tensor values);

  /**
   * Takes an expert.
   *
   * @param layer index of the decoder layer
   * @param e number of the stored expert
   * @param expert values in the type in which they are stored
   * @param sum the same expert with its parts added up, F32
   */
  void expert(int layer, int e, CompactExpert expert, Expert sum);
}
