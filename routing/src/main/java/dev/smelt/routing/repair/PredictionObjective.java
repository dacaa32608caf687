package dev.smelt.routing.repair;

import dev.smelt.model.LanguageHead;
import dev.smelt.model.LanguageHead.Slope;
import dev.smelt.model.LanguageHead.TokenSum;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Tensor;

/**
 * How far the predicted tokens of the reduced model are from those of the original: the
 * Kullback-Leibler divergence in nats per token, for the last layer, whose output the final norm
 * and the output head read.
 *
 * <p>Logits are computed for some tokens at a time: what the divergence says about the layer's
 * output is found first, without the experts, and then carried through them at once.
 *
 * @param tokens of the last layer
 * @param teacher final norm and output head of the original model
 * @param student the same of the reduced model
 */
record PredictionObjective(LayerTokens tokens, LanguageHead teacher, LanguageHead student)
    implements FitObjective {
  @Override
  public TokenSplit split() {
    return tokens.split();
  }

  @Override
  public Tensor loss(MoeBlock block, int... some) {
    RepairTokens.Rows rows = tokens.rows(some);
    Tensor after = tokens.after(some);
    Tensor output = output(block, rows);
    Tensor states = states(after, rows, output.detach());
    Slope slope = student.slope(states, states.size(0), divergence(after));
    double mean = 1.0 / after.size(0);
    Tensor linear = output.mul(slope.gradient()).sum().mul(mean * tokens.outputFactor());
    return linear.add(slope.sum() * mean - linear.item());
  }

  @Override
  public double heldOut(MoeBlock block) {
    double[] sum = {0};
    tokens.forEach(
        split().heldOut(),
        piece -> {
          Tensor after = tokens.after(piece.tokens());
          Tensor states = states(after, piece.rows(), output(block, piece.rows()));
          sum[0] += student.sum(states, divergence(after));
        });
    return sum[0] / Math.max(1, split().heldOut().length);
  }

  private static Tensor output(MoeBlock block, RepairTokens.Rows rows) {
    return block.apply(rows.inputs(), 0, MoeObserver.NONE).to(rows.targets().dtype());
  }

  /** Hidden states after the layer, [n, H], if the routed experts answer this. */
  private Tensor states(Tensor after, RepairTokens.Rows rows, Tensor output) {
    return after.add(output.sub(rows.targets()).mul(tokens.outputFactor()));
  }

  /** From what the original predicts of its hidden states after the layer. */
  private TokenSum divergence(Tensor after) {
    return (from, states) -> {
      Tensor known = logProbabilities(teacher, after.narrow(0, from, states.size(0)));
      Tensor predicted = logProbabilities(student, states);
      return known.exp().mul(known.sub(predicted)).sum();
    };
  }

  private static Tensor logProbabilities(LanguageHead head, Tensor states) {
    return head.logits(states.to(head.weight().dtype())).to(states.dtype()).logSoftmax(-1);
  }
}
