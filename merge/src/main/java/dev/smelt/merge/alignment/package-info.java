/**
 * Which neuron of one expert corresponds to which neuron of another.
 *
 * <p>Start at {@link dev.smelt.merge.alignment.Assignment}: the exact linear assignment solver that
 * turns a square table of costs or similarities into a permutation. What the table says (weights,
 * activations, normalisation, sign) is not decided here but by whoever fills {@link
 * dev.smelt.merge.alignment.Costs}.
 */
package dev.smelt.merge.alignment;
