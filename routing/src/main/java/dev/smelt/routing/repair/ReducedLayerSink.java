package dev.smelt.routing.repair;

/** Takes the finished layers, in order. */
@FunctionalInterface
public interface ReducedLayerSink {
  /**
   * Takes a layer.
   *
   * @param block weights in the types of the checkpoint, contiguous, without the shared expert;
   *     they live until the method returns
   * @param repair what was done
   */
  void accept(ReducedBlock block, LayerRepair repair);
}
