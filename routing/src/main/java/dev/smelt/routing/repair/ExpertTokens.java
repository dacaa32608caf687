package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.Routing;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tokens that a router sends to one expert.
 *
 * @param tokens indices, ascending
 * @param gates gate value of each token
 */
public record ExpertTokens(int[] tokens, float[] gates) {
  /**
   * Routes tokens; the lists are those of the router's rows, in order. 8 bytes per routed token.
   */
  public static List<ExpertTokens> route(MoeBlock block, BlockInputs tokens, int[] some) {
    List<Growing> growing = new ArrayList<>();
    IntStream.range(0, block.router().experts()).forEach(_ -> growing.add(new Growing()));
    for (int from = 0; from < some.length; from += BlockInputs.PIECE) {
      try (var _ = Scope.open()) {
        int to = Math.min(some.length, from + BlockInputs.PIECE);
        int[] piece = Arrays.copyOfRange(some, from, to);
        add(piece, block.router().route(tokens.inputs(piece)), growing);
      }
    }
    return growing.stream().map(Growing::done).toList();
  }

  private static void add(int[] piece, Routing routing, List<Growing> growing) {
    long[] experts = routing.experts().toLongs();
    float[] gates = routing.gates().toFloats();
    int topK = experts.length / piece.length;
    for (int slot = 0; slot < experts.length; slot++) {
      growing.get((int) experts[slot]).add(piece[slot / topK], gates[slot]);
    }
  }

  /** The number of tokens. */
  public int count() {
    return tokens.length;
  }

  /** The tokens and gate values from one place to another. */
  public ExpertTokens slice(int from, int to) {
    return new ExpertTokens(
        Arrays.copyOfRange(tokens, from, to), Arrays.copyOfRange(gates, from, to));
  }

  /** The tokens of several lists, one list after the other. */
  public static ExpertTokens joined(List<ExpertTokens> lists) {
    if (lists.size() == 1) {
      return lists.getFirst();
    }
    Growing all = new Growing();
    for (ExpertTokens list : lists) {
      for (int i = 0; i < list.count(); i++) {
        all.add(list.tokens[i], list.gates[i]);
      }
    }
    return all.done();
  }

  /** Gate values as a column, F32. */
  public Tensor gateColumn() {
    return Tensors.ofFloats(gates, gates.length, 1);
  }

  private static final class Growing {
    private int[] tokens = new int[64];
    private float[] gates = new float[64];
    private int count;

    private void add(int token, float gate) {
      if (count == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * count);
        gates = Arrays.copyOf(gates, 2 * count);
      }
      tokens[count] = token;
      gates[count++] = gate;
    }

    private ExpertTokens done() {
      return new ExpertTokens(Arrays.copyOf(tokens, count), Arrays.copyOf(gates, count));
    }
  }
}
