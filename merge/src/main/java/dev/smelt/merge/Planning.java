package dev.smelt.merge;

/** When it is decided what becomes of the experts of a layer. */
public enum Planning {
  /** Before any token passes, from statistics that are there, or from weights alone. */
  BEFORE,
  /** While the original model's tokens pass the layer: no pass of their own is needed. */
  ORIGINAL,
  /** From what the layers before, already reduced, feed the layer. */
  REDUCED
}
