package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;

/** The squared error of the layer's output relative to the energy of its targets. */
final class OutputObjective implements FitObjective {
  private final RepairTokens tokens;
  private final double energy;

  /** Reads the targets of all training tokens once. */
  OutputObjective(RepairTokens tokens) {
    this.tokens = tokens;
    energy = energy();
  }

  /** The mean energy of a training token. */
  private double energy() {
    double[] sum = {0};
    tokens.forEach(
        tokens.split().training(),
        piece ->
            sum[0] += piece.rows().targets().square().mul(piece.rows().weights()).sum().item());
    return sum[0] / Math.max(1, tokens.split().training().length);
  }

  @Override
  public TokenSplit split() {
    return tokens.split();
  }

  @Override
  public Tensor loss(MoeBlock block, int... some) {
    return loss(block, tokens.rows(some), energy);
  }

  @Override
  public double heldOut(MoeBlock block) {
    if (!(energy > 0)) {
      return 0;
    }
    try (var _ = Scope.open()) {
      return BlockError.of(block, tokens, tokens.split().heldOut()).relative();
    }
  }

  /** The error of a batch relative to the mean energy of a token. */
  static Tensor loss(MoeBlock block, RepairTokens.Rows rows, double energy) {
    Dtype wide = rows.targets().dtype();
    Tensor output = block.apply(rows.inputs(), 0, MoeObserver.NONE).to(wide);
    Tensor errors = rows.targets().sub(output).square().mul(rows.weights());
    return errors.sum().mul(1 / (energy * rows.targets().size(0)));
  }
}
