package dev.smelt.merge.alignment;

import dev.smelt.model.Expert;

/** Brings the neurons of experts into the order of a reference expert. */
@FunctionalInterface
public interface Aligner {
  /** Aligns an expert of the reference's shape; the function it computes stays the same. */
  Aligned align(Expert target);
}
