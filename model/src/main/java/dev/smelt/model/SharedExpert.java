package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * The expert that runs on every token.
 *
 * @param expert its weights
 * @param gate [1, H]: its output is multiplied with the sigmoid of this product, if there is one
 * @param averaged whether the block's output is the mean of routed and shared output, not the sum
 */
public record SharedExpert(Expert expert, Optional<Tensor> gate, boolean averaged) {
  /** An expert whose output is added. */
  public SharedExpert(Expert expert, Optional<Tensor> gate) {
    this(expert, gate, false);
  }

  /** [n, H] to [n, H]. */
  public Tensor apply(Tensor input) {
    Tensor output = expert.apply(input);
    return gate.map(g -> output.mul(input.linear(g).sigmoid())).orElse(output);
  }

  /** The block's output for that of the routed experts: [n, H]. */
  Tensor join(Tensor routed, Tensor input) {
    Tensor sum = routed.add(apply(input));
    return averaged ? sum.mul(0.5) : sum;
  }
}
