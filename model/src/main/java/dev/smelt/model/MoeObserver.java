package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;

/**
 * Watches an expert block at work. Tensors belong to the caller and live until the method returns.
 */
public interface MoeObserver {
  /** Watches nothing. */
  MoeObserver NONE = new MoeObserver() {};

  /**
   * A batch has been routed.
   *
   * @param layer index of the decoder layer
   * @param input router inputs [n, H], without padding
   * @param routing the router's decision
   */
  default void routed(int layer, Tensor input, Routing routing) {}

  /**
   * The routed experts have run.
   *
   * @param layer index of the decoder layer
   * @param slots the outputs, sorted by expert
   */
  default void computed(int layer, ExpertSlots slots) {}
}
