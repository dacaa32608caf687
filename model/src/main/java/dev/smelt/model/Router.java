package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.router.Renormalisation;
import dev.smelt.model.router.RoutingRule;
import dev.smelt.model.router.Score;
import dev.smelt.model.router.TopKRule;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * Decides which experts see a token, and with which gate values.
 *
 * @param weight [R, H]: a row for each expert, then rows that stand for no weights
 * @param bias added to the logits, [R]
 * @param correction added to the scores for the choice only, F32 or F64, [R]
 * @param expertScale factor on the gate values of an expert, [R]
 * @param inputScale factor on the input, [H]
 * @param softcap bound that logits approach, if there is one
 * @param rule chooses
 */
public record Router(
    Tensor weight,
    Optional<Tensor> bias,
    Optional<Tensor> correction,
    Optional<Tensor> expertScale,
    Optional<Tensor> inputScale,
    Optional<Double> softcap,
    RoutingRule rule) {

  /** A router that has only a matrix. */
  public Router(Tensor weight, RoutingRule rule) {
    this(
        weight,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        rule);
  }

  /** Softmax over all experts, then the top k; their gate values are renormalised or not. */
  public Router(Tensor weight, int topK, boolean renormalise) {
    this(
        weight,
        new TopKRule(
            Score.SOFTMAX,
            topK,
            Optional.empty(),
            renormalise ? Optional.of(Renormalisation.PLAIN) : Optional.empty(),
            1));
  }

  /** The same router with another matrix of as many rows. */
  public Router with(Tensor other) {
    if (other.size(0) != weight.size(0)) {
      throw new IllegalArgumentException(
          other.size(0) + " rows instead of " + weight.size(0) + ": select them first");
    }
    return new Router(other, bias, correction, expertScale, inputScale, softcap, rule);
  }

  /** A router of some of the rows, in the order of {@code rows} (I64), with all that is theirs. */
  public Router select(Tensor rows) {
    return new Router(
        weight.indexSelect(0, rows),
        bias.map(b -> b.indexSelect(0, rows)),
        correction.map(c -> c.indexSelect(0, rows)),
        expertScale.map(s -> s.indexSelect(0, rows)),
        inputScale,
        softcap,
        rule);
  }

  /** Routes tokens [n, H]. */
  public Routing route(Tensor input) {
    Tensor seen = inputScale.map(input::mul).orElse(input);
    Tensor logits = bias.map(b -> seen.linear(weight, b)).orElseGet(() -> seen.linear(weight));
    Tensor wide = logits.dtype().bytes() < 4 ? logits.to(Dtype.F32) : logits;
    return choose(softcap.map(cap -> wide.mul(1 / cap).tanh().mul(cap)).orElse(wide));
  }

  /** Decides from logits [n, R]. */
  public Routing choose(Tensor logits) {
    RoutingRule.Choice choice = rule.choose(logits, correction);
    Tensor experts = choice.experts();
    Tensor gates =
        expertScale
            .map(s -> s.indexSelect(0, experts.reshape(-1)).reshape(experts.shape()))
            .map(s -> choice.gates().mul(s))
            .orElse(choice.gates());
    return new Routing(logits, experts, gates);
  }

  /** The number of rows: experts, and choices that stand for no weights. */
  public int experts() {
    return (int) weight.size(0);
  }

  /** Experts per token. */
  public int topK() {
    return rule.topK();
  }
}
