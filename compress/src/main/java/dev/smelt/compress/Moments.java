package dev.smelt.compress;

import dev.smelt.model.tensor.Tensor;

/**
 * Second moments of what a matrix sees.
 *
 * @param gram sum over tokens of the outer products, F32, [n, n]; zero without tokens
 * @param tokens how many they were
 */
public record Moments(Tensor gram, int tokens) {
  /** Root of the sum of squares of each input, F32, [n]. */
  public Tensor norms() {
    return gram.diagonal().relu().sqrt();
  }
}
