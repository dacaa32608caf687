package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.StateStore;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.TensorStore;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * What the down projections of a layer are applied to: the intermediate values of every expert's
 * tokens, times gate value and the root of the token's weight. Computed once and read in every
 * sweep of a refit: in memory, or in a mapped temporary file when they are many. They have the type
 * of the computation, F32 or BF16.
 */
final class ExpertFeatures implements AutoCloseable {
  private final List<ExpertTokens> routed;
  private final Dtype dtype;
  private final List<ExpertTokens> pieces = new ArrayList<>();
  private final List<Integer> owners = new ArrayList<>();
  private final int[] first;
  private final long[] widths;
  private final TensorStore store;

  private ExpertFeatures(MoeBlock block, List<ExpertTokens> routed, Dtype dtype) {
    this.routed = routed;
    this.dtype = dtype;
    first = new int[routed.size() + 1];
    widths = block.experts().stream().mapToLong(expert -> expert.down().size(1)).toArray();
    List<long[]> shapes = new ArrayList<>();
    for (int e = 0; e < block.experts().size(); e++) {
      for (int from = 0; from < routed.get(e).count(); from += BlockInputs.PIECE) {
        int to = Math.min(routed.get(e).count(), from + BlockInputs.PIECE);
        pieces.add(routed.get(e).slice(from, to));
        owners.add(e);
        shapes.add(new long[] {to - from, widths[e]});
      }
      first[e + 1] = pieces.size();
    }
    store = TensorStore.create(shapes, dtype, StateStore.MEMORY_LIMIT);
  }

  /**
   * Computes the features of some tokens.
   *
   * @param scales root of the weight of each token of the layer, F32, [n, 1]
   */
  static ExpertFeatures of(MoeBlock block, RepairTokens tokens, int[] some, Tensor scales) {
    Dtype computed = block.router().weight().dtype();
    Dtype dtype = computed.equals(Dtype.BF16) ? Dtype.BF16 : Dtype.F32;
    var routed = ExpertTokens.route(block, tokens, some);
    var features = new ExpertFeatures(block, routed, dtype);
    Parallel.forEach(features.pieces.size(), i -> features.compute(i, block, tokens, scales));
    return features;
  }

  private void compute(int i, MoeBlock block, RepairTokens tokens, Tensor scales) {
    try (var _ = Scope.open()) {
      ExpertTokens piece = pieces.get(i);
      Tensor inputs = tokens.inputs(piece.tokens());
      Tensor gates = piece.gateColumn();
      Expert expert = block.experts().get(owners.get(i));
      Tensor gated =
          switch (block.weighting()) {
            case OUTPUT -> expert.intermediate(inputs).to(Dtype.F32).mul(gates);
            case INPUT -> expert.intermediate(inputs.mul(gates.to(inputs.dtype()))).to(Dtype.F32);
          };
      store.put(i, gated.mul(scales.indexSelect(0, Tensors.ofInts(piece.tokens()))));
    }
  }

  /** The type in which they are kept. */
  Dtype dtype() {
    return dtype;
  }

  /** How many tokens the router sends to an expert. */
  int count(int expert) {
    return routed.get(expert).count();
  }

  /** Width of an expert. */
  long width(int expert) {
    return widths[expert];
  }

  /** Work on a piece of an expert's tokens: their indices, and their features, F32, [n, I]. */
  interface Work {
    void accept(Tensor index, Tensor features);
  }

  /** Reads the features of an expert, each piece in a scope of its own. */
  void forEach(int expert, Work work) {
    for (int i = first[expert]; i < first[expert + 1]; i++) {
      try (var _ = Scope.open()) {
        Tensor index = Tensors.ofInts(pieces.get(i).tokens());
        work.accept(index, store.get(i).to(Dtype.F32));
      }
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
