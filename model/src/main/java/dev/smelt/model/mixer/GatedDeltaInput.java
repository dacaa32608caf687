package dev.smelt.model.mixer;

import dev.smelt.model.Linear;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;

/** How a Gated DeltaNet gets everything that is linear in its input. */
sealed interface GatedDeltaInput {
  /** Projects [B, T, hidden]. */
  Projected apply(Tensor hidden);

  /**
   * What is linear in the input.
   *
   * @param convolved queries, keys and values of all heads: [B, T, 2 * keys + values]
   * @param gate of the output: [B, T, values]
   * @param strength before the sigmoid: [B, T, value heads]
   * @param decay before the softplus: [B, T, value heads]
   */
  record Projected(Tensor convolved, Tensor gate, Tensor strength, Tensor decay) {}

  /**
   * One projection each, as in qwen3_5_moe.
   *
   * @param convolved [2 * keys + values, hidden]
   * @param gate [values, hidden]
   * @param strength [value heads, hidden]
   * @param decay [value heads, hidden]
   */
  record Split(Linear convolved, Linear gate, Linear strength, Linear decay)
      implements GatedDeltaInput {
    @Override
    public Projected apply(Tensor hidden) {
      return new Projected(
          convolved.apply(hidden), gate.apply(hidden), strength.apply(hidden), decay.apply(hidden));
    }
  }

  /**
   * Two projections, as in qwen3_next, in which everything of a key head stands together.
   *
   * @param sizes numbers of heads and channels
   * @param channels per key head: query, key, values, gates of the values
   * @param scalars per key head: strengths of its values, decays of its values
   */
  record Grouped(GatedDeltaSizes sizes, Linear channels, Linear scalars)
      implements GatedDeltaInput {
    @Override
    public Projected apply(Tensor hidden) {
      Tensor all = perKeyHead(channels.apply(hidden));
      Tensor both = perKeyHead(scalars.apply(hidden));
      long key = sizes.keySize();
      long values = sizes.perKey() * sizes.valueSize();
      List<Tensor> convolved =
          List.of(joined(all, 0, key), joined(all, key, key), joined(all, 2 * key, values));
      return new Projected(
          Tensors.concat(convolved, -1),
          joined(all, 2 * key + values, values),
          joined(both, 0, sizes.perKey()),
          joined(both, sizes.perKey(), sizes.perKey()));
    }

    private Tensor perKeyHead(Tensor projected) {
      return projected.reshape(projected.size(0), projected.size(1), sizes.keyHeads(), -1);
    }

    /** Some channels of every key head, side by side. */
    private static Tensor joined(Tensor perKeyHead, long from, long count) {
      return perKeyHead.narrow(-1, from, count).reshape(perKeyHead.size(0), perKeyHead.size(1), -1);
    }
  }
}
