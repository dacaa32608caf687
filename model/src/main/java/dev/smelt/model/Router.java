package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;

/**
 * Softmax over all experts, then the top k; their gate values are renormalised or not.
 *
 * @param weight [E, H]
 * @param topK experts per token
 * @param renormalise whether the k gate values are divided by their sum
 */
public record Router(Tensor weight, int topK, boolean renormalise) {
  /** Routes tokens [n, H]. */
  public Routing route(Tensor input) {
    Tensor logits = input.linear(weight);
    Tensor wide = logits.dtype().bytes() < 4 ? logits.to(Dtype.F32) : logits;
    return choose(wide);
  }

  /** Decides from logits [n, E]. */
  public Routing choose(Tensor logits) {
    var top = logits.softmax(-1).topK(topK);
    Tensor gates = top.values();
    if (renormalise) {
      gates = gates.div(gates.sum(-1).unsqueeze(-1));
    }
    return new Routing(logits, top.indices(), gates);
  }

  /** The same rules with another matrix, [E', H]. */
  public Router with(Tensor other) {
    return new Router(other, topK, renormalise);
  }

  /** The number of experts. */
  public int experts() {
    return (int) weight.size(0);
  }
}
