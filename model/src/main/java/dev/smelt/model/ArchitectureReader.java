package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.ExpertStorage.StoredExpert;
import dev.smelt.model.Family.ExpertNames;
import dev.smelt.model.Family.Renormalisation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Finds out what the tensors of a checkpoint mean, and refuses a config.json that contradicts them.
 */
final class ArchitectureReader {
  private static final String HINT =
      "config.json and the weights must come from the same checkpoint";

  private final Checkpoint checkpoint;
  private final ModelConfig config;
  private final Family family;
  private final List<String> problems = new ArrayList<>();

  ArchitectureReader(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    config = new ModelConfig(checkpoint.config(), checkpoint.directory().resolve("config.json"));
    String type =
        config
            .document()
            .string("model_type")
            .orElseThrow(
                () ->
                    SmeltException.checkpoint(
                        config.origin() + ": field 'model_type' is missing", HINT));
    family = Families.of(type);
  }

  Architecture architecture() {
    int heads = config.integer("num_attention_heads");
    int hidden = config.integer("hidden_size");
    int layers = config.integer("num_hidden_layers");
    int headDim = config.integer("head_dim", hidden / Math.max(1, heads));
    Architecture architecture =
        new Architecture(
            family,
            layers,
            hidden,
            config.integer("vocab_size"),
            headDim,
            config.number("rms_norm_eps", family.normEpsilon()),
            config.integer("num_experts_per_tok"),
            family.renormalisation() == Renormalisation.ALWAYS
                || config.flag("norm_topk_prob", false),
            config.number("clip_qkv"),
            Rope.of(config, headDim, family.ropeTheta()),
            IntStream.range(0, layers).mapToObj(l -> family.window().of(config, l)).toList(),
            checkpoint.find(MoeModel.HEAD).isEmpty());
    checkActivation();
    checkShapes(architecture, heads);
    return architecture;
  }

  private void checkActivation() {
    String activation = config.text("hidden_act", "silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw SmeltException.unsupported(
          config.origin() + ": activation '" + activation + "' is not supported",
          "supported: silu");
    }
  }

  private void checkShapes(Architecture shape, int heads) {
    long h = shape.hidden();
    expect(MoeModel.EMBEDDING, shape.vocabulary(), h);
    expect(MoeModel.FINAL_NORM, h);
    if (shape.tiedHead()) {
      if (!config.flag("tie_word_embeddings", false)) {
        problems.add(
            "tensor '" + MoeModel.HEAD + "' is missing and tie_word_embeddings is not true");
      }
    } else {
      expect(MoeModel.HEAD, shape.vocabulary(), h);
    }
    for (int layer = 0; layer < shape.layers(); layer++) {
      String prefix = MoeModel.prefix(layer);
      expect(prefix + "input_layernorm.weight", h);
      expect(prefix + "post_attention_layernorm.weight", h);
      expect(prefix + "self_attn.q_proj.weight", (long) heads * shape.headDim(), h);
      expect(prefix + "self_attn.o_proj.weight", h, (long) heads * shape.headDim());
    }
    throwIfAny();
  }

  /** The layers with experts, in order. */
  List<MoeLayer> moeLayers(Architecture shape) {
    List<MoeLayer> found = new ArrayList<>();
    for (int layer = 0; layer < shape.layers(); layer++) {
      String block = MoeModel.prefix(layer) + family.block();
      Optional<StoredTensor> router = checkpoint.find(block + family.router());
      if (router.isPresent()) {
        found.add(moeLayer(layer, router.get(), block, shape));
      }
    }
    throwIfAny();
    if (found.isEmpty()) {
      throw SmeltException.unsupported(
          checkpoint.directory() + ": no layer has a router, this is a dense model",
          "smelt works on Mixture-of-Experts checkpoints");
    }
    return List.copyOf(found);
  }

  private MoeLayer moeLayer(int layer, StoredTensor router, String block, Architecture shape) {
    ExpertStorage experts =
        checkpoint
            .find(block + "experts.gate_up_proj")
            .<ExpertStorage>map(gateUp -> fused(gateUp, block, shape))
            .orElseGet(() -> perExpert(block, (int) router.dim(0), shape));
    expect(router.name(), configuredExperts(), shape.hidden());
    if (shape.topK() > router.dim(0)) {
      problems.add(
          "num_experts_per_tok is "
              + shape.topK()
              + ", but '"
              + router.name()
              + "' has "
              + router.dim(0)
              + " experts");
    }
    return new MoeLayer(layer, router, experts);
  }

  private ExpertStorage fused(StoredTensor gateUp, String block, Architecture shape) {
    long width = config.integer(family.expertWidth());
    StoredTensor down = checkpoint.require(block + "experts.down_proj");
    expect(gateUp.name(), configuredExperts(), 2 * width, shape.hidden());
    expect(down.name(), configuredExperts(), shape.hidden(), width);
    return new ExpertStorage.Fused(gateUp, down);
  }

  private ExpertStorage perExpert(String block, int count, Architecture shape) {
    long width = config.integer(family.expertWidth());
    ExpertNames names = family.expert();
    List<StoredExpert> experts = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      String at = block + "experts." + e + ".";
      boolean complete =
          expect(at + names.gate() + ".weight", width, shape.hidden())
              && expect(at + names.up() + ".weight", width, shape.hidden())
              && expect(at + names.down() + ".weight", shape.hidden(), width);
      if (complete) {
        experts.add(
            new StoredExpert(
                checkpoint.require(at + names.gate() + ".weight"),
                checkpoint.require(at + names.up() + ".weight"),
                checkpoint.require(at + names.down() + ".weight")));
      }
    }
    if (checkpoint.find(block + "experts." + count + "." + names.gate() + ".weight").isPresent()) {
      problems.add(
          "'"
              + block
              + "experts."
              + count
              + "' exists, but the router has only "
              + count
              + " rows");
    }
    return new ExpertStorage.PerExpert(experts);
  }

  /** The expert count that config.json gives; transformers prefers the first spelling. */
  private long configuredExperts() {
    return Family.EXPERT_COUNT_FIELDS.stream()
        .flatMap(field -> config.positive(field).stream().boxed())
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    config.origin()
                        + ": the number of experts is missing (one of "
                        + String.join(", ", Family.EXPERT_COUNT_FIELDS)
                        + ")",
                    HINT));
  }

  private boolean expect(String name, long... shape) {
    List<Long> expected = Arrays.stream(shape).boxed().toList();
    Optional<StoredTensor> found = checkpoint.find(name);
    if (found.isEmpty()) {
      problems.add("tensor '" + name + "' is missing, expected shape " + expected);
      return false;
    }
    if (!found.get().shape().equals(expected)) {
      problems.add(
          "tensor '"
              + name
              + "' has shape "
              + found.get().shape()
              + ", but config.json says "
              + expected);
      return false;
    }
    return true;
  }

  private void throwIfAny() {
    if (!problems.isEmpty()) {
      List<String> shown =
          problems.size() > 10 ? new ArrayList<>(problems.subList(0, 10)) : problems;
      if (problems.size() > 10) {
        shown.add("and " + (problems.size() - 10) + " more");
      }
      List<String> located = shown.stream().map(p -> checkpoint.directory() + ": " + p).toList();
      throw SmeltException.all(Fault.CHECKPOINT, located, HINT);
    }
  }
}
