package dev.smelt.cli.inspect;

import dev.smelt.cli.inspect.ModelSummary.Group;
import dev.smelt.io.Checkpoint;
import dev.smelt.io.StoredTensor;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/** Goes once through the tensors of a checkpoint and adds up what they are. */
final class Summarizer {
  private final Checkpoint checkpoint;
  private final ConfigFields config;
  private final long hidden;
  private final long lastLayer;

  /** By the number of dimensions, then by pattern. */
  private final Map<Integer, Map<String, NamePattern>> patterns = new HashMap<>();

  private final Map<String, TreeMap<Integer, MoeLayer>> stacks = new TreeMap<>();
  private final Map<TensorRole, Group> groups = new EnumMap<>(TensorRole.class);
  private final Map<String, Long> dtypes = new TreeMap<>();
  private long extraParameters;

  Summarizer(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.config = new ConfigFields(checkpoint.config());
    this.hidden = config.integer("hidden_size", "d_model", "n_embd").orElse(0);
    this.lastLayer = config.integer("num_hidden_layers", "n_layers").orElse(Long.MAX_VALUE);
  }

  ModelSummary summarize() {
    List<StoredTensor> tensors = List.copyOf(checkpoint.tensors().values());
    List<TensorName> names =
        tensors.parallelStream().map(tensor -> new TensorName(tensor.name())).toList();
    for (int i = 0; i < names.size(); i++) {
      add(tensors.get(i), names.get(i));
    }
    SequencedMap<String, MoeLayer> layers = layers(false);
    int depth = layers.size();
    layers.values().removeIf(layer -> layer.parameters() == 0);
    SequencedMap<String, Long> experts = new LinkedHashMap<>();
    layers.forEach((name, layer) -> experts.put(name, experts(layer)));
    long total = groups.values().stream().mapToLong(Group::parameters).sum();
    return new ModelSummary(
        checkpoint.directory(),
        config.string("model_type").orElse("unknown"),
        config.firstString("architectures").orElse("unknown"),
        depth,
        experts,
        topK(),
        hidden,
        layers.values().stream().mapToLong(MoeLayer::width).max().orElse(0),
        sharedExperts(),
        total,
        total - extraParameters - idleParameters(layers.values()),
        layers(true).size(),
        checkpoint.totalBytes(),
        checkpoint.shards().size(),
        checkpoint.tensors().size(),
        !groups.containsKey(TensorRole.HEAD),
        largestFirst(),
        new LinkedHashMap<>(groups));
  }

  /** Experts with weights that count: where some return their input, their weights are not used. */
  private long experts(MoeLayer layer) {
    return config.integer("zero_expert_num").orElse(0) == 0
        ? layer.experts()
        : Math.min(layer.experts(), config.integer("n_routed_experts").orElse(layer.experts()));
  }

  private void add(StoredTensor tensor, TensorName name) {
    int rank = tensor.shape().size();
    NamePattern kind =
        patterns
            .computeIfAbsent(rank, key -> new HashMap<>())
            .computeIfAbsent(name.pattern(), pattern -> NamePattern.of(pattern, rank));
    long parameters = parameters(tensor);
    if (kind.layerAt() >= 0) {
      addToLayer(tensor, kind, name, parameters);
    }
    groups.merge(
        kind.role(),
        Group.EMPTY.plus(parameters, tensor.bytes()),
        (sum, one) -> sum.plus(one.parameters(), one.bytes()));
    dtypes.merge(tensor.dtype().code(), tensor.bytes(), Long::sum);
  }

  private void addToLayer(StoredTensor tensor, NamePattern kind, TensorName name, long parameters) {
    int number = name.number(kind.layerAt());
    MoeLayer layer =
        stacks
            .computeIfAbsent(kind.stack(), stack -> new TreeMap<>())
            .computeIfAbsent(number, key -> new MoeLayer());
    if (kind.role() == TensorRole.EXPERTS) {
      layer.addExperts(tensor, name.number(kind.expertAt()), hidden, parameters);
    } else if (kind.role() == TensorRole.ROUTER) {
      layer.addRouter(tensor);
    }
    if (isExtra(kind.stack(), number)) {
      extraParameters += parameters;
    }
  }

  /** Numbers that the model computes with: scales of quantised weights are not parameters. */
  private static long parameters(StoredTensor tensor) {
    String name = tensor.name();
    if (name.endsWith("_scales") || name.endsWith("_scale_inv") || name.endsWith("weight_scale")) {
      return 0;
    }
    return tensor.info().elements() * (name.endsWith("_blocks") ? 2 : 1);
  }

  /** Layers after the last one of config.json, and those under "mtp", predict further tokens. */
  private boolean isExtra(String stack, int layer) {
    boolean isOnlyStack = !stack.contains("encoder") && !stack.contains("decoder");
    return stack.startsWith("mtp") || (isOnlyStack && layer >= lastLayer);
  }

  /** The layers of the model by name, or those that predict further tokens. */
  private SequencedMap<String, MoeLayer> layers(boolean extra) {
    SequencedMap<String, MoeLayer> found = new LinkedHashMap<>();
    stacks.forEach(
        (stack, layers) ->
            layers.forEach(
                (number, layer) -> {
                  if (isExtra(stack, number) == extra) {
                    found.put(stack + "." + number, layer);
                  }
                }));
    return found;
  }

  private long topK() {
    long unsaid = config.string("model_type").orElse("").startsWith("switch") ? 1 : 0;
    return config
        .integer(
            "num_experts_per_tok",
            "num_experts_per_token",
            "moe_top_k",
            "moe_topk",
            "moe_k",
            "top_k_experts",
            "experts_per_token",
            "num_selected_experts")
        .orElse(unsaid);
  }

  private long sharedExperts() {
    if (!groups.containsKey(TensorRole.SHARED)) {
      return 0;
    }
    return Math.max(
        1,
        config
            .integer("n_shared_experts", "num_shared_experts", "moe_num_shared_experts")
            .orElse(1));
  }

  /** Parameters of the experts that a token does not choose; 0 if top-k is not known. */
  private long idleParameters(Collection<MoeLayer> layers) {
    long chosen = topK();
    long idle = 0;
    for (MoeLayer layer : layers) {
      long experts = layer.experts();
      if (chosen > 0 && experts > chosen) {
        idle += layer.parameters() / experts * (experts - chosen);
      }
    }
    return idle;
  }

  private SequencedMap<String, Long> largestFirst() {
    SequencedMap<String, Long> sorted = new LinkedHashMap<>();
    dtypes.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
    return sorted;
  }
}
