package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Tiny random checkpoints with outputs of transformers 5.18 in F32. */
final class Goldens {
  /** All that smelt supports. */
  static final List<String> SUPPORTED =
      List.of(
          "afmoe",
          "axk1",
          "cohere2_moe",
          "dbrx",
          "deepseek_v2",
          "deepseek_v2_group",
          "deepseek_v3",
          "deepseek_v32",
          "deepseek_v3_fp8",
          "deepseek_v3_noqlora",
          "dots1",
          "ernie4_5_moe",
          "exaone_moe",
          "flex_olmo",
          "gemma4_text",
          "glm4_moe",
          "glm4_moe_lite",
          "glm4_moe_noqknorm",
          "glm_moe_dsa",
          "gpt_oss",
          "gpt_oss_mxfp4",
          "granitemoe",
          "granitemoe_swa",
          "granitemoehybrid",
          "granitemoeshared",
          "hunyuan_v1_moe",
          "hy_v3",
          "jamba",
          "kimi_linear",
          "laguna",
          "lfm2_moe",
          "llama4_text",
          "llama4_text_llama3",
          "llama4_text_top2",
          "longcat_flash",
          "mellum",
          "mimo_v2_flash",
          "minimax",
          "minimax_m2",
          "mistral4",
          "mixtral",
          "mixtral_swa",
          "nemotron_h",
          "olmoe",
          "olmoe_clip",
          "phimoe",
          "phimoe_longrope",
          "qwen2_moe",
          "qwen2_moe_swa",
          "qwen3_5_moe_text",
          "qwen3_moe",
          "qwen3_moe_bf16",
          "qwen3_moe_swa",
          "qwen3_moe_tied_sharded",
          "qwen3_next",
          "solar_open");

  /** Where transformers applies this factor to the routed sum instead of the gate values. */
  private static final Map<String, Double> GATE_FACTORS = Map.of("laguna", 2.5);

  private Goldens() {}

  static Path directory(String name) {
    return Resources.path("golden/" + name);
  }

  /** A golden opened as it is. */
  static MoeModel open(String name) {
    return MoeModel.open(directory(name));
  }

  /** A golden opened with another config.json and another description. */
  static MoeModel open(
      String name, UnaryOperator<ConfigDocument> config, UnaryOperator<Family> family) {
    Checkpoint checkpoint = Checkpoint.open(directory(name));
    ModelConfig edited = new ModelConfig(config.apply(checkpoint.config()), checkpoint.directory());
    Family known = Families.of(ModelSource.modelType(edited));
    return MoeModel.open(checkpoint, edited, family.apply(known));
  }

  static TokenBatch tokens(SafetensorsFile golden) {
    int[] ids = Arrays.stream(read(golden, "input_ids").toLongs()).mapToInt(i -> (int) i).toArray();
    return new TokenBatch(List.of(ids));
  }

  static Tensor read(SafetensorsFile file, String name) {
    StoredTensor stored = file.tensors().get(name);
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }

  /**
   * Runs a model on the tokens of a golden.
   *
   * @return the largest absolute difference of each output that the golden has
   */
  static SequencedMap<String, Double> differences(String name, MoeModel model) {
    SequencedMap<String, Double> differences = new TreeMap<>();
    try (var golden = SafetensorsFile.open(directory(name).resolve("golden.safetensors"));
        var _ = Scope.open()) {
      TokenBatch batch = tokens(golden);
      Map<Integer, Routing> routings = new HashMap<>();
      Tensor hidden = model.embed(batch.ids(), Dtype.F32);
      for (int l = 0; l < model.architecture().layers(); l++) {
        hidden = model.layer(l, Dtype.F32).apply(hidden, batch, recorder(routings));
        compare(differences, golden, "layer_out." + l, hidden);
      }
      compare(differences, golden, "logits", model.head(Dtype.F32).logits(hidden));
      double factor = GATE_FACTORS.getOrDefault(name, 1.0);
      routings.forEach((l, r) -> compareRouting(differences, golden, l, r, factor));
    }
    return differences;
  }

  private static MoeObserver recorder(Map<Integer, Routing> routings) {
    return new MoeObserver() {
      @Override
      public void routed(int layer, Tensor input, Routing routing) {
        routings.put(layer, routing);
      }
    };
  }

  /** Compares logits, and the gate values spread over all experts: order within top-k is free. */
  private static void compareRouting(
      Map<String, Double> differences,
      SafetensorsFile golden,
      int layer,
      Routing routing,
      double factor) {
    compare(differences, golden, "router_logits." + layer, routing.logits());
    String indices = "topk_indices." + layer;
    if (golden.tensors().containsKey(indices)) {
      long count = routing.logits().size(1);
      Tensor weights = read(golden, "topk_weights." + layer).mul(factor);
      Tensor expected = spread(read(golden, indices), weights, count);
      Tensor actual = spread(routing.experts(), routing.gates(), count);
      differences.put("gates." + layer, difference(actual, expected));
    }
  }

  private static Tensor spread(Tensor experts, Tensor gates, long count) {
    return Tensors.oneHot(experts, count).to(Dtype.F32).mul(gates.unsqueeze(-1)).sum(1);
  }

  private static void compare(
      Map<String, Double> differences, SafetensorsFile golden, String name, Tensor actual) {
    if (golden.tensors().containsKey(name)) {
      differences.put(name, difference(actual, read(golden, name)));
    }
  }

  static double difference(Tensor actual, Tensor expected) {
    double difference =
        actual.to(Dtype.F64).reshape(-1).sub(expected.to(Dtype.F64).reshape(-1)).abs().max().item();
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
  }
}
