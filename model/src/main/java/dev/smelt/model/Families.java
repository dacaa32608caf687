package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.model.Family.Renormalisation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import java.util.SequencedMap;

/** The families that smelt supports, in one ordered registry. */
public final class Families {
  private static final SequencedMap<String, Family> ALL = new LinkedHashMap<>();

  static {
    add(
        Family.named("mixtral")
            .block("block_sparse_moe.", "w1", "w3", "w2")
            .renormalisation(Renormalisation.ALWAYS)
            .window((config, layer) -> config.positive("sliding_window"))
            .expertWidth("intermediate_size")
            .ropeTheta(1e6)
            .normEpsilon(1e-5));
    add(
        Family.named("qwen2_moe")
            .sharedExpert("shared_expert.")
            .window(Families::alternatingWindow));
    add(Family.named("qwen3_moe").window(Families::switchedWindow));
    add(Family.named("olmoe").expertWidth("intermediate_size").normEpsilon(1e-5));
  }

  private Families() {}

  private static void add(Family.Builder family) {
    Family built = family.build();
    ALL.put(built.modelType(), built);
  }

  /** All model types, in the order of the registry. */
  public static List<String> modelTypes() {
    return List.copyOf(ALL.keySet());
  }

  /** The family of a model type. */
  public static Family of(String modelType) {
    Family family = ALL.get(modelType);
    if (family == null) {
      throw SmeltException.unsupported(
          "model_type '" + modelType + "' is not supported",
          "supported: "
              + String.join(", ", ALL.keySet())
              + "; CONTRIBUTING.md shows how to add a family");
    }
    return family;
  }

  /** A window on every layer, if {@code use_sliding_window} is set. */
  private static OptionalLong switchedWindow(ModelConfig config, int layer) {
    return config.flag("use_sliding_window", false)
        ? config.positive("sliding_window")
        : OptionalLong.empty();
  }

  /** A window on the layers that {@code layer_types} names; by default on every second one. */
  private static OptionalLong alternatingWindow(ModelConfig config, int layer) {
    boolean byDefault = layer % 2 == 0 && layer < config.integer("max_window_layers", 28);
    return config.layerType(layer).map(type -> type.equals("sliding_attention")).orElse(byDefault)
        ? switchedWindow(config, layer)
        : OptionalLong.empty();
  }
}
