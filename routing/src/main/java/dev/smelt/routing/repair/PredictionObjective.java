package dev.smelt.routing.repair;

import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;

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
  /** Bound on the elements of a piece of logits: 64 MiB in F32. */
  private static final long MAX_LOGITS = 16L << 20;

  @Override
  public TokenSplit split() {
    return tokens.split();
  }

  @Override
  public Tensor loss(MoeBlock block, int... some) {
    RepairTokens.Rows rows = tokens.rows(some);
    Tensor after = tokens.after(some);
    Tensor output = output(block, rows);
    Slope slope = slope(after, states(after, rows, output.detach()));
    Tensor linear = output.mul(slope.gradient()).sum().mul(tokens.outputFactor());
    return linear.add(slope.divergence() - linear.item());
  }

  @Override
  public double heldOut(MoeBlock block) {
    double[] sum = {0};
    tokens.forEach(
        split().heldOut(),
        piece -> {
          Tensor after = tokens.after(piece.tokens());
          Tensor states = states(after, piece.rows(), output(block, piece.rows()));
          inPieces(
              after.size(0),
              (from, count) ->
                  sum[0] +=
                      divergence(after.narrow(0, from, count), states.narrow(0, from, count))
                          .item());
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

  /** Some of the tokens. */
  @FunctionalInterface
  private interface Piece {
    void at(long from, long count);
  }

  /** Works on so few tokens at a time that their logits are bounded. */
  private void inPieces(long tokens, Piece work) {
    long most = Math.max(1, MAX_LOGITS / student.weight().size(0));
    for (long from = 0; from < tokens; from += most) {
      try (var _ = Scope.open()) {
        work.at(from, Math.min(most, tokens - from));
      }
    }
  }

  /**
   * The divergence around some hidden states.
   *
   * @param divergence mean over tokens
   * @param gradient of the mean with respect to the states, [n, H]
   */
  private record Slope(double divergence, Tensor gradient) {}

  private Slope slope(Tensor after, Tensor states) {
    double[] sum = {0};
    Tensor gradients = Tensors.empty(states.dtype(), states.shape());
    inPieces(
        after.size(0),
        (from, count) -> {
          try (var recording = Autograd.record()) {
            Tensor here = states.narrow(0, from, count).detach();
            Autograd.require(here);
            Tensor divergence = divergence(after.narrow(0, from, count), here);
            sum[0] += divergence.item();
            Tensor gradient = recording.gradients(divergence, List.of(here)).getFirst();
            gradients.narrow(0, from, count).copyFrom(gradient);
          }
        });
    double mean = 1.0 / after.size(0);
    return new Slope(sum[0] * mean, gradients.mul(mean));
  }

  /** The sum over tokens. */
  private Tensor divergence(Tensor after, Tensor states) {
    Tensor known = logProbabilities(teacher, after);
    Tensor predicted = logProbabilities(student, states);
    return known.exp().mul(known.sub(predicted)).sum();
  }

  private static Tensor logProbabilities(LanguageHead head, Tensor states) {
    return head.logits(states.to(head.weight().dtype())).to(states.dtype()).logSoftmax(-1);
  }
}
