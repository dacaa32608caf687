package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * The expert that runs on every token.
 *
 * @param expert its weights
 * @param gate [1, H]: its output is multiplied with the sigmoid of this product, if there is one
 */
public record SharedExpert(Expert expert, Optional<Tensor> gate) {
  /** [n, H] to [n, H]. */
  public Tensor apply(Tensor input) {
    Tensor output = expert.apply(input);
    return gate.map(g -> output.mul(input.linear(g).sigmoid())).orElse(output);
  }
}
