package dev.smelt.model.router;

import dev.smelt.model.tensor.Tensor;

/** What turns logits into scores. */
public enum Score {
  /** Softmax over all experts. */
  SOFTMAX,
  /** The logistic function of each logit. */
  SIGMOID;

  /** The scores of logits [n, E]. */
  Tensor of(Tensor logits) {
    return switch (this) {
      case SOFTMAX -> logits.softmax(-1);
      case SIGMOID -> logits.sigmoid();
    };
  }
}
