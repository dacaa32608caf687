package dev.smelt.model.compact;

import java.util.Locale;

/** The tensors whose sum is a matrix. */
public enum Piece {
  /** The whole matrix, [m, n]. */
  FULL,
  /** Left factor, [m, r]. */
  U,
  /** Right factor, [r, n]. */
  V,
  /** Kept neurons: rows [k, n] of gate and up, columns [m, k] of down. */
  KEPT,
  /** Which neurons those are, ascending, I32, [k]. */
  INDEX;

  /** What ends the name of the tensor. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }
}
