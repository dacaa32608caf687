package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.SharedExpert;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The tokens of a layer in the stream. Inputs are the reduced model's own. Targets are what takes
 * the reduced model's hidden states to those of the original: its block's output, plus what earlier
 * layers have lost, minus what the shared expert adds.
 *
 * <p>Inputs and targets are computed when they are read; nothing is held but the hidden states. The
 * error of a token counts relative to the size of its hidden state, as the next norm sees it.
 */
public final class LayerTokens implements RepairTokens {
  private static final double EPSILON = 1e-6;

  private final DecoderLayer layer;
  private final Optional<SharedExpert> shared;
  private final Optional<HiddenStates> original;
  private final HiddenStates attended;
  private final TokenSplit split;
  private final List<long[]> positions = new ArrayList<>();
  private final int[] starts;

  /**
   * Describes the tokens of a layer.
   *
   * @param layer whose norm comes before the experts
   * @param shared the expert that runs on every token and is not repaired
   * @param streams hidden states of the original model after the layer, without which there are no
   *     targets, and of the reduced model after the layer's attention
   * @param split of the tokens without padding
   */
  LayerTokens(
      DecoderLayer layer, Optional<SharedExpert> shared, Streams streams, TokenSplit split) {
    this.layer = layer;
    this.shared = shared;
    this.original = streams.original();
    this.attended = streams.reduced();
    this.split = split;
    starts = new int[attended.size() + 1];
    for (int i = 0; i < attended.size(); i++) {
      positions.add(positions(attended.batch(i)));
      starts[i + 1] = starts[i] + positions.getLast().length;
    }
  }

  /** Tokens of each sequence of a stream, in order. */
  public static List<Integer> lengths(HiddenStates states) {
    List<Integer> lengths = new ArrayList<>();
    for (int i = 0; i < states.size(); i++) {
      states.batch(i).sequences().forEach(sequence -> lengths.add(sequence.length));
    }
    return lengths;
  }

  private static long[] positions(TokenBatch batch) {
    long[] positions = new long[(int) batch.tokens()];
    int count = 0;
    for (int b = 0; b < batch.size(); b++) {
      for (int t = 0; t < batch.sequences().get(b).length; t++) {
        positions[count++] = (long) b * batch.length() + t;
      }
    }
    return positions;
  }

  @Override
  public TokenSplit split() {
    return split;
  }

  @Override
  public Tensor inputs(int... tokens) {
    return layer.blockInput(gather(attended, tokens));
  }

  /** Hidden states of the original model after the layer, [n, H], F32 or F64. */
  Tensor after(int... tokens) {
    Tensor after = gather(original.orElseThrow(), tokens);
    return after.to(after.dtype().equals(Dtype.F64) ? Dtype.F64 : Dtype.F32);
  }

  /** What the answer of the experts is multiplied with before it is added to the hidden state. */
  double outputFactor() {
    return layer.outputFactor();
  }

  @Override
  public Rows rows(int... tokens) {
    Tensor after = after(tokens);
    Tensor before = gather(attended, tokens);
    Tensor inputs = layer.blockInput(before);
    Dtype wide = after.dtype();
    Tensor missing = after.sub(before.to(wide));
    Tensor sum = missing.mul(1 / layer.outputFactor());
    Tensor targets = shared.map(s -> sum.sub(s.apply(inputs).to(wide))).orElse(sum);
    return new Rows(inputs, targets, after.square().mean(-1, true).add(EPSILON).reciprocal());
  }

  /** Rows of a stream, for ascending or any other order of tokens. */
  private Tensor gather(HiddenStates states, int[] tokens) {
    List<Tensor> parts = new ArrayList<>();
    int from = 0;
    while (from < tokens.length) {
      int batch = batchOf(tokens[from]);
      int to = from;
      while (to < tokens.length && batchOf(tokens[to]) == batch) {
        to++;
      }
      parts.add(gather(states.state(batch), batch, Arrays.copyOfRange(tokens, from, to)));
      from = to;
    }
    return parts.size() == 1 ? parts.getFirst() : Tensors.concat(parts, 0);
  }

  private Tensor gather(Tensor state, int batch, int[] tokens) {
    long[] where = new long[tokens.length];
    Arrays.setAll(where, i -> positions.get(batch)[tokens[i] - starts[batch]]);
    return state.reshape(-1, state.size(-1)).indexSelect(0, Tensors.ofLongs(where, where.length));
  }

  private int batchOf(int token) {
    int found = Arrays.binarySearch(starts, token);
    return found >= 0 ? found : -found - 2;
  }
}
