package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;

/** What is done to a layer after its repair, before it lets the stream pass. */
@FunctionalInterface
public interface LayerFinish {
  /** Leaves the layer as it is. */
  LayerFinish NONE = (layer, block, tokens) -> block;

  /**
   * Changes the experts of a layer.
   *
   * @param layer index of the decoder layer
   * @param block repaired, in the types of the checkpoint, without the shared expert
   * @param tokens the layer's inputs in the reduced model
   * @return the block as the following layers will see it; its tensors live until the next call
   */
  MoeBlock finish(int layer, MoeBlock block, RepairTokens tokens);
}
