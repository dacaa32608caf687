package dev.smelt.model.attention;

import dev.smelt.model.Linear;
import dev.smelt.model.Norm;
import dev.smelt.model.attention.HeadNorms.Place;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.mixer.MixerMemory;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * Causal self-attention with grouped key and value heads.
 *
 * @param query [heads * d, H]
 * @param key [kv heads * d, H]
 * @param value [kv heads * v, H]
 * @param output [H, heads * v]
 * @param headDim d
 * @param norms norms of queries and keys
 * @param clip bound on queries, keys and values before they are split into heads
 * @param valueNorm norm of each value head
 * @param valueScale factor on values
 * @param rope rotary embedding; empty for none
 * @param positionScale factor on queries by position
 * @param core scores and softmax
 * @param gate factor on the mixed values
 */
public record Attention(
    Linear query,
    Linear key,
    Linear value,
    Linear output,
    int headDim,
    Optional<HeadNorms> norms,
    Optional<Double> clip,
    Optional<Norm> valueNorm,
    double valueScale,
    Optional<Rope> rope,
    Optional<PositionScale> positionScale,
    AttentionCore core,
    Optional<OutputGate> gate)
    implements Mixer {

  /** Keys and values [B, heads, T, d] that queries attend to. */
  record Memory(Tensor keys, Tensor values) {}

  @Override
  public Tensor apply(Tensor input) {
    return apply(input, 0, Memory::new);
  }

  @Override
  public Mixer continuing(MixerMemory memory) {
    return new ContinuedAttention(this, memory);
  }

  /**
   * Attends from positions {@code first} on.
   *
   * @param input [B, T, H]
   * @param first position of the first token
   * @param memory gives keys and values of all positions for those of the T new ones
   */
  Tensor apply(Tensor input, int first, BiFunction<Tensor, Tensor, Memory> memory) {
    int count = (int) input.size(1);
    Tensor q = heads(query.apply(input), norms.map(HeadNorms::query));
    Tensor k = heads(key.apply(input), norms.map(HeadNorms::key));
    if (rope.isPresent()) {
      List<Tensor> tables = rope.get().tables(first, count, input.dtype());
      q = rope.get().rotate(q, tables);
      k = rope.get().rotate(k, tables);
    }
    if (isNormed(Place.ROTATED)) {
      q = norms.orElseThrow().query().apply(q);
      k = norms.orElseThrow().key().apply(k);
    }
    if (positionScale.isPresent()) {
      q = positionScale.get().apply(q, first);
    }
    Memory all = memory.apply(k, values(value.apply(input), k.size(1)));
    Tensor mixed =
        core.attend(q.to(all.keys().dtype()), all.keys(), all.values()).to(input.dtype());
    Tensor joined = mixed.transpose(1, 2).reshape(input.size(0), input.size(1), -1);
    Tensor gated = gate.map(g -> g.apply(joined, input)).orElse(joined);
    return output.apply(gated);
  }

  private boolean isNormed(Place place) {
    return norms.isPresent() && norms.get().place() == place;
  }

  /** [B, T, heads * d] to [B, heads, T, d], normalised and clipped. */
  private Tensor heads(Tensor projected, Optional<Norm> norm) {
    Tensor y = isNormed(Place.WHOLE) ? norm.orElseThrow().apply(projected) : projected;
    Tensor split = clipped(y).reshape(y.size(0), y.size(1), -1, headDim);
    Tensor normed = isNormed(Place.HEAD) ? norm.orElseThrow().apply(split) : split;
    return normed.transpose(1, 2);
  }

  private Tensor values(Tensor projected, long heads) {
    Tensor y = clipped(projected).reshape(projected.size(0), projected.size(1), heads, -1);
    Tensor normed = valueNorm.isPresent() ? valueNorm.get().apply(y) : y;
    Tensor scaled = valueScale == 1 ? normed : normed.mul(valueScale);
    return scaled.transpose(1, 2);
  }

  private Tensor clipped(Tensor y) {
    return clip.isPresent() ? y.clamp(-clip.get(), clip.get()) : y;
  }
}
