package dev.smelt.model;

/**
 * What differs between the layers of a family.
 *
 * @param <T> a value for a layer
 */
@FunctionalInterface
interface LayerRule<T> {
  /** The value for a layer. */
  T of(ModelConfig config, int layer);
}
