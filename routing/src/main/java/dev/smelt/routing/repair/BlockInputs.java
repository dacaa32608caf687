package dev.smelt.routing.repair;

import dev.smelt.model.tensor.Tensor;

/** The tokens of a layer as its router and its experts see them, read in pieces. */
public interface BlockInputs {
  /** Tokens that are read at once. */
  int PIECE = 8192;

  /** Which tokens are there to learn from and which to judge. */
  TokenSplit split();

  /**
   * Reads what router and experts see into the open scope.
   *
   * @param tokens indices below {@code split().tokens()}
   * @return in the compute type, [n, H]
   */
  Tensor inputs(int... tokens);
}
