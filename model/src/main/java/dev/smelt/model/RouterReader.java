package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeLayer.RouterCompanions;
import dev.smelt.model.router.CapacityRule;
import dev.smelt.model.router.Groups;
import dev.smelt.model.router.Renormalisation;
import dev.smelt.model.router.RoutingRule;
import dev.smelt.model.router.Score;
import dev.smelt.model.router.SparseMixerRule;
import dev.smelt.model.router.TopKRule;
import dev.smelt.model.tensor.Tensor;
import java.util.Locale;
import java.util.Optional;

/** Reads how a family's routers choose, and their tensors. */
final class RouterReader {
  private static final String METHOD = "topk_method";
  private static final String SCORING = "scoring_func";
  private static final String GENERIC_SCORING = "noaux_tc";

  private final ModelSource source;
  private final ModelConfig config;
  private final RouterRule rule;

  RouterReader(ModelSource source) {
    this.source = source;
    config = source.config();
    rule = source.family().router;
  }

  /** The rule of all routers, from config.json. */
  RoutingRule routing() {
    if (rule.capacityField.isPresent()) {
      return new CapacityRule(config.integer(rule.capacityField.get(), 64));
    }
    int topK = topK();
    if (rule.sparseMixer) {
      return new SparseMixerRule(topK, config.number("router_jitter_noise", 0.01));
    }
    Score score = score();
    checkScoring(score);
    checkMethod();
    return new TopKRule(
        score,
        topK,
        groups(score),
        renormalisation(score),
        rule.scaleField.flatMap(config::number).orElse(rule.scale));
  }

  private int topK() {
    for (String field : rule.topKFields) {
      if (config.at(field).isArray()) {
        return config.uniform(field);
      }
      if (config.has(field)) {
        return config.integer(field);
      }
    }
    return config.integer(rule.topKFields.getFirst());
  }

  private Score score() {
    return rule.scoreField
        .flatMap(field -> config.document().string(config.path(field)))
        .map(RouterReader::named)
        .orElse(rule.score);
  }

  private static Score named(String name) {
    return switch (name) {
      case "softmax" -> Score.SOFTMAX;
      case "sigmoid" -> Score.SIGMOID;
      default ->
          throw SmeltException.unsupported(
              "scoring function '" + name + "' is not supported", "supported: softmax, sigmoid");
    };
  }

  private void checkScoring(Score score) {
    String expected = score.name().toLowerCase(Locale.ROOT);
    String found = config.text(SCORING, expected);
    if (!found.equals(expected) && !found.equals(GENERIC_SCORING)) {
      throw SmeltException.unsupported(
          config.origin() + ": " + SCORING + " '" + found + "' is not supported",
          source.family().modelType() + " is supported with '" + expected + "'");
    }
  }

  private void checkMethod() {
    if (rule.methods.isEmpty() || !config.has(METHOD)) {
      return;
    }
    String found = config.text(METHOD, "");
    if (!rule.methods.contains(found)) {
      throw SmeltException.unsupported(
          config.origin() + ": " + METHOD + " '" + found + "' is not supported",
          "supported: " + String.join(", ", rule.methods));
    }
  }

  private Optional<Groups> groups(Score score) {
    int count = config.integer(rule.groupsField, 1);
    boolean plain = config.text(METHOD, "").equals("greedy");
    if (rule.grouping == RouterRule.Grouping.NONE || count <= 1 || plain) {
      return Optional.empty();
    }
    boolean two = rule.grouping == RouterRule.Grouping.BEST_TWO;
    double masked = two && score == Score.SIGMOID ? Double.NEGATIVE_INFINITY : 0;
    return Optional.of(
        new Groups(count, config.integer(RouterRule.GROUPS_KEPT), two ? 2 : 1, masked));
  }

  private Optional<Renormalisation> renormalisation(Score score) {
    boolean softmaxOfChosen = rule.scoreField.isPresent() && score == Score.SOFTMAX;
    boolean on =
        softmaxOfChosen
            || rule.renormaliseField
                .map(field -> config.flag(field, rule.renormalise))
                .orElse(rule.renormalise);
    double minimum = rule.minimumField.flatMap(config::number).orElse(0.0);
    return on ? Optional.of(new Renormalisation(minimum, rule.epsilon)) : Optional.empty();
  }

  /** What the router of a layer has beside its matrix. */
  RouterCompanions companions(String block) {
    return new RouterCompanions(
        find(block, rule.bias), find(block, rule.correction), find(block, rule.expertScale));
  }

  private Optional<StoredTensor> find(String block, Optional<String> name) {
    return name.flatMap(n -> source.find(block + n));
  }

  /** Reads a router. */
  Router load(Weights weights, MoeLayer moe, RoutingRule routing) {
    RouterCompanions beside = moe.companions();
    return new Router(
        weights.load(moe.router()),
        beside.bias().map(weights::load),
        beside.correction().map(t -> weights.loadWide(t).reshape(-1)),
        beside.expertScale().map(weights::loadWide),
        inputScale(weights, moe.layer()),
        rule.softcapField.flatMap(config::number).filter(cap -> cap > 0),
        routing);
  }

  /**
   * Gemma's router has a norm of its own, with the same root mean square as the norm before the
   * experts: what the experts see, times the quotient of both weights, is what the router sees.
   */
  private Optional<Tensor> inputScale(Weights weights, int layer) {
    return find(source.block(layer), rule.inputScale)
        .map(
            own -> {
              String norm = source.layer(layer) + "pre_feedforward_layernorm_2.weight";
              Tensor before = weights.loadWide(source.checkpoint().require(norm));
              checkNonzero(before, norm);
              Tensor factor = weights.loadWide(own).div(before);
              return factor.mul(1 / Math.sqrt(source.hidden())).to(weights.dtype());
            });
  }

  private static void checkNonzero(Tensor weight, String name) {
    if (weight.abs().mul(-1).max().item() == 0) {
      throw SmeltException.unsupported("tensor '" + name + "' has an entry that is zero", "");
    }
  }
}
