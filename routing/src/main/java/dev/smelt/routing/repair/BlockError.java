package dev.smelt.routing.repair;

import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Tensor;

/**
 * How far the routed experts of a block are from their targets.
 *
 * @param error weighted sum of squared differences
 * @param energy weighted sum of the squared targets
 */
public record BlockError(double error, double energy) {
  /** The error relative to the energy; 0 where there is neither. */
  public double relative() {
    return energy > 0 ? error / energy : 0;
  }

  /** Measures a block, without its shared expert, on some of the tokens. */
  public static BlockError of(MoeBlock block, RepairTokens tokens, int[] some) {
    MoeBlock routed = block.routedOnly();
    double[] sums = new double[2];
    tokens.forEach(
        some,
        piece -> {
          var rows = piece.rows();
          Tensor output = routed.apply(rows.inputs(), 0, MoeObserver.NONE);
          sums[0] += squares(rows.targets().sub(output.to(rows.targets().dtype())), rows);
          sums[1] += squares(rows.targets(), rows);
        });
    return new BlockError(sums[0], sums[1]);
  }

  private static double squares(Tensor values, RepairTokens.Rows rows) {
    return values.square().mul(rows.weights()).sum().item();
  }
}
