package dev.smelt.model;

import dev.smelt.model.MoeBlock.Weighting;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what follows the attention in a layer: experts, or one network for all tokens. */
final class BlockReader {
  private static final String SHARED_GATE = "shared_expert_gate.weight";

  private final ModelSource source;
  private final Architecture architecture;
  private final ExpertRule rule;

  BlockReader(ModelSource source, Architecture architecture) {
    this.source = source;
    this.architecture = architecture;
    rule = source.family().experts;
  }

  /** The experts of a layer. */
  FeedForward sparse(Weights weights, MoeLayer moe) {
    return new FeedForward.Sparse(block(weights, moe));
  }

  /** Router and experts of a layer. */
  MoeBlock block(Weights weights, MoeLayer moe) {
    List<Expert> experts = new ArrayList<>();
    Map<Integer, Expert> loaded = new HashMap<>();
    List<Integer> sharing = moe.experts().sharing();
    for (int e = 0; e < moe.experts().count(); e++) {
      int row = e;
      experts.add(loaded.computeIfAbsent(sharing.get(e), _ -> moe.experts().load(weights, row)));
    }
    return new MoeBlock(
        router(weights, moe),
        experts,
        shared(weights, moe.layer()),
        source.family().router.gatesInput ? Weighting.INPUT : Weighting.OUTPUT);
  }

  Router router(Weights weights, MoeLayer moe) {
    return new RouterReader(source).load(weights, moe, architecture.routing());
  }

  /** The dense network of a layer; in a layer without one, its absence. */
  FeedForward dense(Weights weights, int layer) {
    String prefix = source.block(layer);
    for (String at : List.of(prefix, source.layer(layer) + "mlp.")) {
      if (source.has(at + rule.dense.up() + ".weight")) {
        return new FeedForward.Dense(source.network(weights, at, rule.dense));
      }
    }
    if (source.family().form == Family.Form.SINGLE) {
      return new FeedForward.Absent();
    }
    return new FeedForward.Dense(source.network(weights, prefix, rule.dense));
  }

  private Optional<SharedExpert> shared(Weights weights, int layer) {
    String block = source.block(layer);
    Optional<String> fused =
        rule.sharedFused.map(name -> source.layer(layer) + name).filter(this::hasFused);
    return rule.shared
        .map(name -> block + name)
        .filter(prefix -> source.has(prefix + ExpertRule.PROJECTIONS.up() + ".weight"))
        .map(prefix -> source.network(weights, prefix, ExpertRule.PROJECTIONS))
        .or(() -> fused.map(prefix -> fusedNetwork(weights, prefix)))
        .map(expert -> new SharedExpert(expert, weights.find(block + SHARED_GATE), averaged()));
  }

  private boolean hasFused(String prefix) {
    return source.has(prefix + "input_linear.weight");
  }

  private Expert fusedNetwork(Weights weights, String prefix) {
    Tensor both = weights.load(prefix + "input_linear.weight");
    long width = both.size(0) / 2;
    return new Expert(
        both.narrow(0, 0, width),
        both.narrow(0, width, width),
        weights.load(prefix + "output_linear.weight"),
        source.expertForm(),
        Optional.empty());
  }

  private boolean averaged() {
    return rule.sharedAverageField
        .map(field -> source.config().text(field, "").equals("average"))
        .orElse(false);
  }
}
