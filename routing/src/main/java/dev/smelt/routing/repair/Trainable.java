package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of router and experts in F32 (F64 for blocks in F64), as they are trained.
 *
 * @param block the block that they began as, whose type is computed in
 * @param masters router, then gate, up and down of each expert
 */
record Trainable(MoeBlock block, List<Tensor> masters) {
  /** Copies the weights of a block; the copies belong to the open scope. */
  static Trainable of(MoeBlock block) {
    List<Tensor> masters = new ArrayList<>();
    masters.add(master(block.router().weight()));
    for (Expert expert : block.experts()) {
      masters.add(master(expert.gate()));
      masters.add(master(expert.up()));
      masters.add(master(expert.down()));
    }
    masters.forEach(Autograd::require);
    return new Trainable(block, List.copyOf(masters));
  }

  private static Tensor master(Tensor weight) {
    return weight.dtype().equals(Dtype.F64) ? weight.copy() : weight.to(Dtype.F32).copy();
  }

  /** The block with the weights as they are now, without its shared expert, in its own type. */
  MoeBlock current() {
    return with(masters);
  }

  /** The block with other weights. */
  MoeBlock with(List<Tensor> weights) {
    Dtype dtype = block.router().weight().dtype();
    List<Tensor> cast = weights.stream().map(w -> w.to(dtype)).toList();
    List<Expert> experts = new ArrayList<>();
    for (int i = 1; i < cast.size(); i += 3) {
      Expert original = block.experts().get(i / 3);
      experts.add(original.with(cast.get(i), cast.get(i + 1), cast.get(i + 2)));
    }
    return block.with(block.router().with(cast.getFirst()), experts).routedOnly();
  }
}
