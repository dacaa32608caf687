package dev.smelt.routing.repair;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * Tokens whose inputs and targets are held in memory, all of the same weight.
 *
 * @param inputs [n, H]
 * @param targets F32 or F64, [n, H]
 * @param split of the n tokens
 */
public record TokenMatrix(Tensor inputs, Tensor targets, TokenSplit split) implements RepairTokens {
  @Override
  public Tensor inputs(int... tokens) {
    return inputs.indexSelect(0, Tensors.ofInts(tokens));
  }

  @Override
  public Rows rows(int... tokens) {
    Tensor index = Tensors.ofInts(tokens);
    return new Rows(
        inputs.indexSelect(0, index),
        targets.indexSelect(0, index),
        Tensors.full(1, targets.dtype(), tokens.length, 1));
  }
}
