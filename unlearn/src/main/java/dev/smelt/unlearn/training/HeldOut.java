package dev.smelt.unlearn.training;

import java.util.Optional;

/**
 * Losses on the held-out sequences, in nats per predicted token.
 *
 * @param forget on those of the forget set
 * @param retain on those of the retain set, if there is one
 */
public record HeldOut(double forget, Optional<Double> retain) {
  /** Whether both are numbers. */
  boolean isFinite() {
    return Double.isFinite(forget) && retain.map(Double::isFinite).orElse(true);
  }
}
