package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.Router;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The weights of router and experts of a block.
 *
 * @param block the block that they began as, whose type is computed in
 * @param trained which of its weights
 * @param masters the router's matrix, then the parts of each expert, as far as they are trained
 */
record BlockWeights(MoeBlock block, Trained trained, List<Tensor> masters) implements Trainable {
  /** Copies the weights of a block; the copies belong to the open scope. */
  static BlockWeights of(MoeBlock block, Trained trained) {
    List<Tensor> masters = new ArrayList<>();
    if (trained.hasRouter()) {
      masters.add(Trainable.master(block.router().weight()));
    }
    if (trained.hasExperts()) {
      for (Expert expert : block.experts()) {
        expert.parts().values().forEach(part -> masters.add(Trainable.master(part)));
      }
    }
    masters.forEach(Autograd::require);
    return new BlockWeights(block, trained, List.copyOf(masters));
  }

  @Override
  public MoeBlock with(List<Tensor> weights) {
    Dtype dtype = block.router().weight().dtype();
    Iterator<Tensor> cast = weights.stream().map(w -> w.to(dtype)).toList().iterator();
    Router router = trained.hasRouter() ? block.router().with(cast.next()) : block.router();
    List<Expert> experts =
        trained.hasExperts()
            ? block.experts().stream().map(expert -> expert.map((_, _) -> cast.next())).toList()
            : block.experts();
    return block.with(router, experts).routedOnly();
  }
}
