package dev.smelt.compress;

import java.util.List;
import java.util.Optional;

/**
 * What became of one expert.
 *
 * @param layer index of the decoder layer
 * @param expert number of the stored expert
 * @param tokens calibration tokens that the method learnt from; 0 without calibration
 * @param outputError norm of the difference of the gated outputs on held-out tokens over the norm
 *     of the gated outputs; absent without such tokens
 * @param matrices gate (if there is one), up and down
 * @param remarks what the method says of the expert
 */
public record ExpertReport(
    int layer,
    int expert,
    int tokens,
    Optional<Double> outputError,
    List<MatrixReport> matrices,
    List<String> remarks) {
  /** Copies the lists. */
  public ExpertReport {
    matrices = List.copyOf(matrices);
    remarks = List.copyOf(remarks);
  }
}
