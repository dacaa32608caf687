package dev.smelt.model.attention;

import dev.smelt.model.Linear;
import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;

/**
 * Multi-head latent attention (DeepSeek-V2, section 2.1): keys and values come from a small vector
 * per token; a part of each key that carries the position is shared by all heads.
 *
 * @param query [heads * (n + r), H], or from the latent query vector
 * @param queryLatent what makes the latent query vector, if there is one
 * @param keyValueLatent [c + r, H]
 * @param latentNorm norm of the latent vector of size c
 * @param keyValue [heads * (n + v), c]
 * @param output [H, heads * v]
 * @param sizes n, r and v
 * @param queryScale factor on queries
 * @param latentScale factor on the latent vector after its norm
 * @param rope rotary embedding of the r entries; empty for none
 * @param positionScale factor on queries by position
 * @param core scores and softmax
 */
public record LatentAttention(
    Linear query,
    Optional<QueryLatent> queryLatent,
    Linear keyValueLatent,
    Norm latentNorm,
    Linear keyValue,
    Linear output,
    Sizes sizes,
    double queryScale,
    double latentScale,
    Optional<Rope> rope,
    Optional<PositionScale> positionScale,
    AttentionCore core)
    implements Mixer {

  /**
   * What makes the latent query vector.
   *
   * @param projection [q, H]
   * @param norm over its q entries
   */
  public record QueryLatent(Linear projection, Norm norm) {}

  /**
   * Sizes of the parts of a head.
   *
   * @param plain n: entries of queries and keys that do not turn
   * @param rotary r: entries that turn
   * @param value v: entries of values
   */
  public record Sizes(int plain, int rotary, int value) {}

  @Override
  public Tensor apply(Tensor input) {
    long batch = input.size(0);
    long length = input.size(1);
    int n = sizes.plain();
    Tensor source = queryLatent.map(q -> q.norm().apply(q.projection().apply(input))).orElse(input);
    Tensor q = split(query.apply(source), n + sizes.rotary());
    Tensor latent = keyValueLatent.apply(input);
    long c = latent.size(2) - sizes.rotary();
    Tensor normed = scaled(latentNorm.apply(latent.narrow(2, 0, c)), latentScale);
    Tensor kv = split(keyValue.apply(normed), n + sizes.value());
    Tensor shared = split(latent.narrow(2, c, sizes.rotary()), sizes.rotary());
    Tensor turning = q.narrow(3, n, sizes.rotary());
    if (rope.isPresent()) {
      List<Tensor> tables = rope.get().tables((int) length, input.dtype());
      turning = rope.get().rotate(turning, tables);
      shared = rope.get().rotate(shared, tables);
    }
    q = scaled(Tensors.concat(List.of(q.narrow(3, 0, n), turning), 3), queryScale);
    q = positionScale.isPresent() ? positionScale.get().apply(q) : q;
    Tensor repeated = shared.expand(batch, q.size(1), length, sizes.rotary());
    Tensor k = Tensors.concat(List.of(kv.narrow(3, 0, n), repeated), 3);
    Tensor mixed = core.attend(q, k, kv.narrow(3, n, sizes.value()));
    return output.apply(mixed.transpose(1, 2).reshape(batch, length, -1));
  }

  /** [B, T, heads * size] to [B, heads, T, size]. */
  private static Tensor split(Tensor projected, int size) {
    return projected.reshape(projected.size(0), projected.size(1), -1, size).transpose(1, 2);
  }

  private static Tensor scaled(Tensor tensor, double factor) {
    return factor == 1 ? tensor : tensor.mul(factor);
  }
}
