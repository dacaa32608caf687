package dev.smelt.model;

import java.util.OptionalInt;

/** The tensors that an expert may have. */
public enum ExpertPart {
  /** [I, H]. */
  GATE(OptionalInt.of(0)),
  /** [I, H]. */
  UP(OptionalInt.of(0)),
  /** [H, I]. */
  DOWN(OptionalInt.of(1)),
  /** [I]. */
  GATE_BIAS(OptionalInt.of(0)),
  /** [I]. */
  UP_BIAS(OptionalInt.of(0)),
  /** [H]. */
  DOWN_BIAS(OptionalInt.empty());

  private final OptionalInt neurons;

  ExpertPart(OptionalInt neurons) {
    this.neurons = neurons;
  }

  /** The dimension that counts the neurons of the expert, which a permutation reorders. */
  public OptionalInt neuronDimension() {
    return neurons;
  }

  /** Whether it is a bias. */
  public boolean isBias() {
    return this == GATE_BIAS || this == UP_BIAS || this == DOWN_BIAS;
  }
}
