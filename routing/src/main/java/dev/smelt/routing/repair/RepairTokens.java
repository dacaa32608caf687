package dev.smelt.routing.repair;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The tokens on which the routed experts of a layer are repaired, read in pieces: what the experts
 * see, and what they should answer.
 */
public interface RepairTokens extends BlockInputs {
  /**
   * Reads inputs and targets into the open scope.
   *
   * @param tokens indices below {@code split().tokens()}
   */
  Rows rows(int... tokens);

  /**
   * Tokens as matrices.
   *
   * @param inputs what router and experts see, in the compute type, [n, H]
   * @param targets what the gated sum of the routed experts should be, F32 or F64, [n, H]
   * @param weights the weight of each token's error, of the type of the targets, [n, 1]
   */
  record Rows(Tensor inputs, Tensor targets, Tensor weights) {}

  /**
   * What is done with a piece of the tokens.
   *
   * @param tokens their indices
   * @param rows their matrices, which live until the work on them returns
   */
  record Piece(int[] tokens, Rows rows) {}

  /** Reads tokens piece by piece, each in a scope of its own. */
  default void forEach(int[] tokens, Consumer<Piece> work) {
    for (int from = 0; from < tokens.length; from += PIECE) {
      try (var _ = Scope.open()) {
        int[] some = Arrays.copyOfRange(tokens, from, Math.min(from + PIECE, tokens.length));
        work.accept(new Piece(some, rows(some)));
      }
    }
  }
}
