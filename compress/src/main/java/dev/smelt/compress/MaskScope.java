package dev.smelt.compress;

import java.util.List;
import java.util.Locale;

/** What shares the sparsity of an unstructured mask. */
enum MaskScope {
  /** Every row of every matrix has it. */
  ROW,
  /** The matrices of the experts of a layer have it together. */
  LAYER,
  /** The matrices of all experts of the model have it together. */
  GLOBAL;

  static final List<String> NAMES = List.of("row", "layer", "global");

  static MaskScope named(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }
}
