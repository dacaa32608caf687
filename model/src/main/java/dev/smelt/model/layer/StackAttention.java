package dev.smelt.model.layer;

import dev.smelt.model.Norm;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Optional;

/**
 * Attention of an encoder-decoder in the manner of T5: after a norm, without a factor on the
 * scores, added to the state.
 *
 * @param norm before the queries; in self-attention also before keys and values
 * @param query [heads * d, H]
 * @param key [heads * d, H]
 * @param value [heads * d, H]
 * @param output [H, heads * d]
 * @param heads number of heads
 */
public record StackAttention(
    Norm norm, Tensor query, Tensor key, Tensor value, Tensor output, int heads) {
  /** Attention among the tokens of a sequence: [T, H] to [T, H]. */
  Tensor among(Tensor state, RelativeBias bias) {
    Tensor seen = norm.apply(state);
    return state.add(mix(seen, seen, bias.of((int) state.size(0)).to(state.dtype())));
  }

  /** Attention to the output of the encoder: [T, H] and [S, H] to [T, H]. */
  Tensor across(Tensor state, Tensor memory) {
    Tensor open = Tensors.zeros(state.dtype(), 1, 1, state.size(0), memory.size(0));
    return state.add(mix(norm.apply(state), memory, open));
  }

  private Tensor mix(Tensor queries, Tensor memory, Tensor bias) {
    Tensor mixed =
        split(queries.linear(query))
            .attend(split(memory.linear(key)), split(memory.linear(value)), Optional.of(bias), 1);
    return mixed.transpose(1, 2).reshape(queries.size(0), -1).linear(output);
  }

  /** [T, heads * d] to [1, heads, T, d]. */
  private Tensor split(Tensor rows) {
    return rows.reshape(1, rows.size(0), heads, -1).transpose(1, 2);
  }
}
