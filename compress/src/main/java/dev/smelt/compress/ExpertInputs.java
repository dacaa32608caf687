package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock.Weighting;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.repair.BlockInputs;
import dev.smelt.routing.repair.ExpertTokens;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The tokens that one expert sees, with their gate values; read in pieces.
 *
 * @param inputs of the layer
 * @param routed the tokens
 * @param weighting where gate values are applied
 */
public record ExpertInputs(BlockInputs inputs, ExpertTokens routed, Weighting weighting) {
  /**
   * Some of the tokens.
   *
   * @param inputs what the expert sees, F32, [n, H]
   * @param gates factor on its output, F32, [n, 1]
   */
  public record Piece(Tensor inputs, Tensor gates) {}

  /** Number of tokens. */
  public int count() {
    return routed.count();
  }

  /** Reads the tokens, piece by piece, each in a scope of its own. */
  public void forEach(Consumer<Piece> work) {
    for (int from = 0; from < count(); from += BlockInputs.PIECE) {
      try (var _ = Scope.open()) {
        ExpertTokens some = routed.slice(from, Math.min(count(), from + BlockInputs.PIECE));
        Tensor seen = inputs.inputs(some.tokens()).to(Dtype.F32);
        Tensor gates = some.gateColumn();
        work.accept(
            switch (weighting) {
              case OUTPUT -> new Piece(seen, gates);
              case INPUT -> new Piece(seen.mul(gates), Tensors.full(1, Dtype.F32, some.count(), 1));
            });
      }
    }
  }

  /**
   * Moments of the inputs of gate and up, which live in the open scope.
   *
   * @param hidden H
   * @param gated whether a token counts with the square of its gate value, else all count as one
   */
  public Moments inputMoments(long hidden, boolean gated) {
    return moments(hidden, gated, Piece::inputs);
  }

  /** Moments of what enters the down projection of an expert, which live in the open scope. */
  public Moments neuronMoments(Expert expert, boolean gated) {
    return moments(expert.down().size(1), gated, piece -> expert.intermediate(piece.inputs()));
  }

  private Moments moments(long size, boolean gated, Function<Piece, Tensor> vectors) {
    Tensor gram = Tensors.zeros(Dtype.F32, size, size);
    forEach(
        piece -> {
          Tensor values = vectors.apply(piece);
          Tensor counted = gated ? values.mul(piece.gates()) : values;
          gram.addInPlace(counted.transpose(0, 1).matmul(counted));
        });
    return new Moments(gram, count());
  }
}
