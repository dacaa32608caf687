package dev.smelt.merge.alignment;

/**
 * How well the neurons of an expert match those of another one.
 *
 * @param before mean cosine of gate, up and down in the order on disk, signs resolved
 * @param after the same after the permutation
 * @param fixedShare share of neurons that stay where they are
 */
public record Alignment(double before, double after, double fixedShare) {}
