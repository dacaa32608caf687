package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import java.util.Optional;

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

  /** Watches the original model's tokens pass a layer, before it is reduced. */
  default MoeObserver watchOriginal(int layer) {
    return MoeObserver.NONE;
  }

  /**
   * Whether the original model's tokens are wanted; if not, and if nothing is repaired, they do not
   * run, and how far the reduced layers are from the original ones is not known.
   */
  default boolean needsOriginal() {
    return true;
  }

  /**
   * Watches the reduced model's tokens pass the original experts of a layer, before it is reduced;
   * if there is nobody to watch, they do not run.
   */
  default Optional<MoeObserver> watchReduced(int layer) {
    return Optional.empty();
  }
}
