package dev.smelt.model.layer;

import dev.smelt.model.Norm;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * A residual branch: {@code keep * x + add * after(part(before(x)))}.
 *
 * @param before norm of what the part sees
 * @param after norm of its output
 * @param residual what is added to
 * @param keep factor on the residual
 * @param add factor on the output
 */
public record Branch(
    Optional<Norm> before, Optional<Norm> after, Residual residual, double keep, double add) {
  /** What the output of a branch is added to. */
  public enum Residual {
    /** The state before the branch. */
    STATE,
    /** The state after the norm before the branch. */
    NORMED
  }

  /** What the part sees of a state. */
  Tensor input(Tensor state) {
    return before.isPresent() ? before.get().apply(state) : state;
  }

  /** The state after the branch. */
  Tensor join(Tensor state, Tensor input, Tensor output) {
    Tensor base = residual == Residual.STATE ? state : input;
    Tensor kept = keep == 1 ? base : base.mul(keep);
    Tensor normed = after.isPresent() ? after.get().apply(output) : output;
    return add == 1 ? kept.add(normed) : kept.addScaled(normed, add);
  }

  /** Whether the output of the part is added without a norm, to something that is left of x. */
  boolean isAdditive() {
    return after.isEmpty() && keep != 0 && add != 0;
  }
}
