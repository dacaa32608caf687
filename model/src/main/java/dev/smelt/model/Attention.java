package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Causal self-attention with grouped key and value heads.
 *
 * @param query [heads * d, H]
 * @param key [kv heads * d, H]
 * @param value [kv heads * d, H]
 * @param output [H, heads * d]
 * @param queryNorm norm of queries: per head if its weight has length d, else over all heads
 * @param keyNorm the same for keys
 * @param clip bound on queries, keys and values after the norms, if there is one
 * @param headDim d
 * @param rope rotary embedding
 * @param window tokens that a token sees, itself included; empty for all before it
 */
record Attention(
    Linear query,
    Linear key,
    Linear value,
    Linear output,
    Optional<RmsNorm> queryNorm,
    Optional<RmsNorm> keyNorm,
    Optional<Double> clip,
    int headDim,
    Rope rope,
    OptionalLong window) {

  static Attention load(Weights weights, String prefix, Architecture shape, int layer) {
    return new Attention(
        Linear.load(weights, prefix + "q_proj"),
        Linear.load(weights, prefix + "k_proj"),
        Linear.load(weights, prefix + "v_proj"),
        Linear.load(weights, prefix + "o_proj"),
        weights.find(prefix + "q_norm.weight").map(w -> new RmsNorm(w, shape.normEpsilon())),
        weights.find(prefix + "k_norm.weight").map(w -> new RmsNorm(w, shape.normEpsilon())),
        shape.clip(),
        shape.headDim(),
        shape.rope(),
        shape.windows().get(layer));
  }

  /** Attends within each sequence: [B, T, H] to [B, T, H]. */
  Tensor apply(Tensor input) {
    List<Tensor> tables = rope.tables((int) input.size(1), input.dtype());
    Tensor q = Rope.rotate(heads(query.apply(input), queryNorm), tables);
    Tensor k = Rope.rotate(heads(key.apply(input), keyNorm), tables);
    Tensor v = heads(value.apply(input), Optional.empty());
    Tensor mixed = q.attend(k, v, mask(input), 1 / Math.sqrt(headDim));
    Tensor joined = mixed.transpose(1, 2).reshape(input.size(0), input.size(1), -1);
    return output.apply(joined);
  }

  /** [B, T, heads * d] to [B, heads, T, d], normalised and clipped. */
  private Tensor heads(Tensor projected, Optional<RmsNorm> norm) {
    boolean whole = norm.isPresent() && norm.get().weight().size(0) != headDim;
    Tensor y = whole ? norm.get().apply(projected) : projected;
    y = clip.isPresent() ? y.clamp(-clip.get(), clip.get()) : y;
    Tensor split = y.reshape(y.size(0), y.size(1), -1, headDim);
    Tensor normed = norm.isPresent() && !whole ? norm.get().apply(split) : split;
    return normed.transpose(1, 2);
  }

  /** What a window forbids, [T, T]; empty if the causal mask is all. */
  private Optional<Tensor> mask(Tensor input) {
    long length = input.size(1);
    if (window.isEmpty() || window.getAsLong() >= length) {
      return Optional.empty();
    }
    Tensor position = Tensors.range(length, Dtype.F32);
    Tensor distance = position.reshape(length, 1).sub(position.reshape(1, length));
    Tensor future = distance.mul(-1).greater(0);
    Tensor past = distance.greater(window.getAsLong() - 1.0);
    Tensor none = Tensors.zeros(input.dtype(), length, length);
    return Optional.of(
        none.maskedFill(future, Double.NEGATIVE_INFINITY)
            .maskedFill(past, Double.NEGATIVE_INFINITY));
  }
}
