package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.router.RoutingRule;
import dev.smelt.model.router.TopKRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out what the tensors of a checkpoint mean, and refuses a config.json that contradicts them.
 */
final class ArchitectureReader {
  private final ModelSource source;
  private final ModelConfig config;
  private final Family family;
  private final ShapeCheck check;

  ArchitectureReader(ModelSource source) {
    this.source = source;
    config = source.config();
    family = source.family();
    check = new ShapeCheck(source.checkpoint());
  }

  Architecture architecture() {
    Quantisation.check(config);
    Quantisation.checkScales(source.checkpoint());
    family
        .experts
        .latentField
        .filter(field -> config.positive(field).isPresent())
        .ifPresent(this::refuse);
    RoutingRule routing = new RouterReader(source).routing();
    Architecture architecture =
        new Architecture(
            family,
            source.layers(),
            source.hidden(),
            config.integer("vocab_size"),
            source.normEpsilon(),
            routing,
            groups(routing),
            !source.has(source.head() + ".weight"));
    checkEnds(architecture);
    return architecture;
  }

  private void refuse(String field) {
    throw SmeltException.unsupported(
        "%s: %s is %d: experts that work in a smaller space are not supported"
            .formatted(config.origin(), field, config.integer(field)),
        "smelt runs this family with experts on the hidden state");
  }

  private static int groups(RoutingRule routing) {
    return routing instanceof TopKRule rule && rule.groups().isPresent()
        ? rule.groups().get().count()
        : 1;
  }

  private void checkEnds(Architecture shape) {
    long h = shape.hidden();
    String head = source.head() + ".weight";
    check.expect(source.embedding(), shape.vocabulary(), h);
    check.expect(source.finalNorm() + ".weight", h);
    if (!shape.tiedHead()) {
      check.expect(head, shape.vocabulary(), h);
    } else if (config.has("tie_word_embeddings") && !config.flag("tie_word_embeddings", false)) {
      check.add("tensor '" + head + "' is missing and tie_word_embeddings is not true");
    }
    check.throwIfAny();
  }

  /** Everything of the layers but their experts. */
  List<LayerReader.LayerPlan> layers(Architecture shape) {
    List<LayerReader.LayerPlan> plans = new ArrayList<>();
    for (int layer = 0; layer < shape.layers(); layer++) {
      checkNorm(layer, family.beforeMixer);
      plans.add(LayerReader.plan(source, layer));
    }
    check.throwIfAny();
    return List.copyOf(plans);
  }

  private void checkNorm(int layer, Optional<String> name) {
    String suffix = family.form == Family.Form.SHORTCUT ? ".0.weight" : ".weight";
    name.ifPresent(n -> check.expect(source.layer(layer) + n + suffix, source.hidden()));
  }

  /** The layers with experts, in order. */
  List<MoeLayer> moeLayers(Architecture shape) {
    List<MoeLayer> found = new ArrayList<>();
    for (int layer = 0; layer < shape.layers(); layer++) {
      String block = source.block(layer);
      Optional<StoredTensor> router = source.find(block + family.router.name);
      if (router.isPresent()) {
        found.add(moeLayer(layer, router.get(), block, shape));
      }
    }
    check.throwIfAny();
    if (found.isEmpty()) {
      throw SmeltException.unsupported(
          source.checkpoint().directory() + ": no layer has a router, this is a dense model",
          "smelt works on Mixture-of-Experts checkpoints");
    }
    return List.copyOf(found);
  }

  /** The layers with experts among those that predict further tokens. */
  List<MoeLayer> predictionLayers(Architecture shape) {
    List<MoeLayer> found = new ArrayList<>();
    for (String block : source.predictionBlocks()) {
      int layer = shape.layers() + found.size();
      StoredTensor router = source.checkpoint().require(block + family.router.name);
      found.add(moeLayer(layer, router, block, shape));
    }
    check.throwIfAny();
    return List.copyOf(found);
  }

  private MoeLayer moeLayer(int layer, StoredTensor router, String block, Architecture shape) {
    int extra = family.experts.identities ? config.integer("zero_expert_num", 0) : 0;
    CompactReader compact = new CompactReader(source, check);
    Optional<CompactForm> form = compact.form(layer);
    int count = form.map(f -> f.map().size()).orElseGet(this::configuredExperts);
    check.expect(router.name(), count + extra, shape.hidden());
    if (shape.topK() > router.dim(0)) {
      check.add(
          "each token goes to "
              + shape.topK()
              + " experts, but '"
              + router.name()
              + "' has "
              + router.dim(0));
    }
    if (count % shape.groups() != 0) {
      check.add(count + " experts cannot form " + shape.groups() + " groups of equal size");
    }
    check.throwIfAny();
    return new MoeLayer(
        layer,
        router,
        form.map(f -> compact.read(block, f))
            .orElseGet(() -> new ExpertReader(source, check).read(block, count)),
        new RouterReader(source).companions(block),
        shape.groups());
  }

  /** The expert count that config.json gives; transformers prefers the first spelling. */
  private int configuredExperts() {
    for (String field : Family.EXPERT_COUNT_FIELDS) {
      if (config.at(field).isArray()) {
        return config.uniform(field);
      }
      if (config.has(field)) {
        return config.integer(field);
      }
    }
    throw SmeltException.checkpoint(
        config.origin()
            + ": the number of experts is missing (one of "
            + String.join(", ", Family.EXPERT_COUNT_FIELDS)
            + ")",
        ShapeCheck.HINT);
  }
}
