package dev.smelt.cli.inspect;

import dev.smelt.cli.inspect.ModelSummary.Group;
import dev.smelt.io.Checkpoint;
import dev.smelt.io.StoredTensor;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Goes once through the tensors of a checkpoint and adds up what they are. */
final class Summarizer {
  private static final Comparator<TensorPlace> BY_LAYER =
      Comparator.comparing(TensorPlace::stack).thenComparing(TensorPlace::layer);

  private final Checkpoint checkpoint;
  private final ConfigFields config;
  private final long hidden;
  private final TreeSet<TensorPlace> layers = new TreeSet<>(BY_LAYER);
  private final TreeMap<TensorPlace, MoeLayer> moeLayers = new TreeMap<>(BY_LAYER);
  private final Map<TensorRole, Group> groups = new TreeMap<>();
  private final Map<String, Long> dtypes = new TreeMap<>();
  private long extraParameters;

  Summarizer(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.config = new ConfigFields(checkpoint.config());
    this.hidden = config.integer("hidden_size", "d_model", "n_embd").orElse(0);
  }

  ModelSummary summarize() {
    checkpoint.tensors().values().forEach(this::add);
    moeLayers.values().removeIf(layer -> layer.parameters() == 0);
    long total = groups.values().stream().mapToLong(Group::parameters).sum();
    return new ModelSummary(
        checkpoint.directory(),
        config.string("model_type").orElse("unknown"),
        config.firstString("architectures").orElse("unknown"),
        (int) layers.stream().filter(place -> !isExtra(place)).count(),
        expertsByLayer(),
        topK(),
        hidden,
        ownMoeLayers().values().stream().mapToLong(MoeLayer::width).max().orElse(0),
        sharedExperts(),
        total,
        total - extraParameters - idleParameters(),
        (int) layers.stream().filter(this::isExtra).count(),
        checkpoint.totalBytes(),
        checkpoint.shards().size(),
        checkpoint.tensors().size(),
        !groups.containsKey(TensorRole.HEAD),
        largestFirst(),
        new LinkedHashMap<>(groups));
  }

  private void add(StoredTensor tensor) {
    String name = tensor.name();
    TensorPlace place = TensorPlace.of(name);
    TensorRole role = TensorRole.of(name, tensor.shape().size());
    long parameters = parameters(tensor);
    if (place.layer() >= 0) {
      layers.add(place);
    }
    MoeLayer layer =
        role == TensorRole.EXPERTS || role == TensorRole.ROUTER
            ? moeLayers.computeIfAbsent(place, key -> new MoeLayer())
            : new MoeLayer();
    if (role == TensorRole.EXPERTS) {
      layer.addExperts(tensor, place, hidden, parameters);
    } else if (role == TensorRole.ROUTER) {
      layer.addRouter(tensor);
    }
    if (isExtra(place)) {
      extraParameters += parameters;
    }
    groups.merge(
        role,
        Group.EMPTY.plus(parameters, tensor.bytes()),
        (sum, one) -> sum.plus(one.parameters(), one.bytes()));
    dtypes.merge(tensor.dtype().code(), tensor.bytes(), Long::sum);
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
  private boolean isExtra(TensorPlace place) {
    if (place.layer() < 0) {
      return false;
    }
    long last = config.integer("num_hidden_layers", "n_layers").orElse(Long.MAX_VALUE);
    boolean single = !place.stack().contains("encoder") && !place.stack().contains("decoder");
    return place.stack().startsWith("mtp") || (single && place.layer() >= last);
  }

  private SequencedMap<TensorPlace, MoeLayer> ownMoeLayers() {
    SequencedMap<TensorPlace, MoeLayer> own = new LinkedHashMap<>(moeLayers);
    own.keySet().removeIf(this::isExtra);
    return own;
  }

  private SequencedMap<String, Long> expertsByLayer() {
    SequencedMap<String, Long> counts = new LinkedHashMap<>();
    ownMoeLayers()
        .forEach(
            (place, layer) -> counts.put(place.stack() + "." + place.layer(), layer.experts()));
    return counts;
  }

  private long topK() {
    long encoderDefault = config.string("model_type").orElse("").startsWith("switch") ? 1 : 0;
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
        .orElse(encoderDefault);
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
  private long idleParameters() {
    long chosen = topK();
    long idle = 0;
    for (MoeLayer layer : ownMoeLayers().values()) {
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
