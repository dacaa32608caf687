package dev.smelt.routing.repair;

import dev.smelt.model.DecoderLayer;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Routing;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the experts of one layer saw while the batches passed, in memory: as much as the hidden
 * states of all tokens take. It works for layers of every form.
 */
public final class CapturedInputs implements BlockInputs, AutoCloseable {
  private final TokenSplit split;
  private final List<Tensor> rows = new ArrayList<>();
  private final int[] starts;

  private CapturedInputs(TokenSplit split, int batches) {
    this.split = split;
    starts = new int[batches + 1];
  }

  /**
   * Sends all batches through a layer and keeps what its experts see.
   *
   * @param layer with experts
   * @param states which are then those after the layer
   * @param split of the tokens without padding
   */
  public static CapturedInputs advance(DecoderLayer layer, HiddenStates states, TokenSplit split) {
    CapturedInputs captured = new CapturedInputs(split, states.size());
    states.advance(layer, captured.new Capture());
    return captured;
  }

  private final class Capture implements MoeObserver {
    @Override
    public void routed(int layer, Tensor input, Routing routing) {
      try (var scope = Scope.open()) {
        rows.add(scope.release(input.copy()));
      }
      starts[rows.size()] = starts[rows.size() - 1] + (int) input.size(0);
    }
  }

  @Override
  public TokenSplit split() {
    return split;
  }

  @Override
  public Tensor inputs(int... tokens) {
    List<Tensor> parts = new ArrayList<>();
    int from = 0;
    while (from < tokens.length) {
      int batch = batchOf(tokens[from]);
      int to = from;
      while (to < tokens.length && batchOf(tokens[to]) == batch) {
        to++;
      }
      int start = starts[batch];
      int[] own = Arrays.stream(tokens, from, to).map(t -> t - start).toArray();
      parts.add(rows.get(batch).indexSelect(0, Tensors.ofInts(own)));
      from = to;
    }
    return parts.size() == 1 ? parts.getFirst() : Tensors.concat(parts, 0);
  }

  private int batchOf(int token) {
    int found = Arrays.binarySearch(starts, token);
    return found >= 0 ? found : -found - 2;
  }

  @Override
  public void close() {
    rows.forEach(Tensor::close);
  }
}
