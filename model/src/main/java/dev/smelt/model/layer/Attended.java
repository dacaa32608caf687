package dev.smelt.model.layer;

import dev.smelt.model.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * A layer that has run up to its experts or dense network.
 *
 * @param input what these see, [B, T, H]; in a layer without them the state after the layer
 * @param join makes the state after the layer of their output, [B, T, H] to [B, T, H]
 */
public record Attended(Tensor input, UnaryOperator<Tensor> join) {
  /** The state after the layer, [B, T, H], for an output of experts or dense network. */
  public Tensor finish(Tensor output) {
    return join.apply(output);
  }
}
