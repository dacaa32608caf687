package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/** Weights of a layer that are trained, and the block that they make. */
interface Trainable {
  /**
   * The weights as they are trained: F32, or F64 for what is F64; contiguous leaves whose gradients
   * can be asked for.
   */
  List<Tensor> masters();

  /** The block with other weights, without its shared expert, in the type that is computed in. */
  MoeBlock with(List<Tensor> weights);

  /** The block with the weights as they are now. */
  default MoeBlock current() {
    return with(masters());
  }

  /** A copy of a weight in the type that it is trained in. */
  static Tensor master(Tensor weight) {
    Tensor rows = weight.contiguous();
    return rows.dtype().equals(Dtype.F64) ? rows.copy() : rows.to(Dtype.F32).copy();
  }
}
