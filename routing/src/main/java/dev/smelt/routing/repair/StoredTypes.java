package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertStorage;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.tensor.Tensor;

/**
 * The types in which a layer's weights will be written.
 *
 * @param router of the router
 * @param experts of the experts
 */
record StoredTypes(Dtype router, Dtype experts) {
  static StoredTypes of(MoeLayer layer) {
    return new StoredTypes(
        ExpertStorage.plain(layer.router().dtype()), layer.experts().valueType());
  }

  static StoredTypes all(Dtype dtype) {
    return new StoredTypes(dtype, dtype);
  }

  /** The routed part of a block in these types. */
  MoeBlock of(MoeBlock block) {
    return block
        .routedOnly()
        .with(
            block.router().with(cast(block.router().weight(), router)),
            block.experts().stream().map(this::cast).toList());
  }

  private Expert cast(Expert expert) {
    return expert.map((_, tensor) -> cast(tensor, experts));
  }

  private static Tensor cast(Tensor tensor, Dtype dtype) {
    return tensor.to(dtype).contiguous();
  }
}
