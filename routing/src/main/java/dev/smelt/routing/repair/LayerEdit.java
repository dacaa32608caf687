package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;

/** Takes experts away from a layer: by dropping, merging or both. */
@FunctionalInterface
public interface LayerEdit {
  /**
   * Edits a layer. Tensors of the result belong to the open scope; those of the original must not
   * be modified.
   *
   * @param layer index of the decoder layer
   * @param original all experts of the layer
   * @param tokens the layer's inputs in the reduced model, and the targets
   */
  ReducedBlock reduce(int layer, MoeBlock original, RepairTokens tokens);
}
