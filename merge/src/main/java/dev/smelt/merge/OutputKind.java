package dev.smelt.merge;

/** What a reduction writes. */
public enum OutputKind {
  /** As many experts in every layer, each with a row of the router: every client loads it. */
  STOCK,
  /** The compact form, with a row of the router for each expert that is left. */
  COMPACT,
  /** The compact form with all rows of the router, of which several choose the same expert. */
  REDIRECTED;

  /** Whether the experts are in compact form. */
  public boolean isCompact() {
    return this != STOCK;
  }
}
