package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;

/** F32 copies of weights that are trained. */
final class Masters {
  private Masters() {}

  /** A copy of a weight in F32, whose gradient can be asked for; it belongs to the open scope. */
  static Tensor of(Tensor weight) {
    Tensor master = weight.to(Dtype.F32).contiguous().copy();
    Autograd.require(master);
    return master;
  }

  /** Rounds a master to what its stored type can hold. */
  static void round(Tensor master, Dtype stored) {
    try (var _ = Scope.open()) {
      master.copyFrom(master.to(stored));
    }
  }
}
