package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The forward pass in F32 against outputs of transformers 5.18 on tiny random checkpoints. */
class GoldenForwardTest {
  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mixtral",
        "mixtral_swa",
        "qwen2_moe",
        "qwen2_moe_swa",
        "qwen3_moe",
        "qwen3_moe_bf16",
        "qwen3_moe_swa",
        "qwen3_moe_tied_sharded",
        "olmoe",
        "olmoe_clip"
      })
  void agreesWithTransformers(String name) {
    Path directory = Resources.path("golden/" + name);
    try (var model = MoeModel.open(directory);
        var golden = SafetensorsFile.open(directory.resolve("golden.safetensors"));
        var _ = Scope.open()) {
      int[] ids =
          Arrays.stream(read(golden, "input_ids").toLongs()).mapToInt(i -> (int) i).toArray();
      TokenBatch batch = new TokenBatch(List.of(ids));
      Map<Integer, Routing> routings = new HashMap<>();
      Tensor hidden = model.embed(batch.ids(), Dtype.F32);
      for (int l = 0; l < model.architecture().layers(); l++) {
        hidden = model.layer(l, Dtype.F32).apply(hidden, batch, recorder(routings));
        assertClose(hidden, read(golden, "layer_out." + l), name + " layer " + l);
      }
      assertClose(model.head(Dtype.F32).logits(hidden), read(golden, "logits"), name + " logits");
      assertThat(routings.keySet())
          .containsExactlyInAnyOrderElementsOf(
              model.moeLayers().stream().map(MoeLayer::layer).toList());
      routings.forEach((l, routing) -> assertSameRouting(golden, l, routing));
    }
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
  private static void assertSameRouting(SafetensorsFile golden, int layer, Routing routing) {
    assertClose(routing.logits(), read(golden, "router_logits." + layer), "router " + layer);
    Tensor expected =
        spread(
            read(golden, "topk_indices." + layer),
            read(golden, "topk_weights." + layer),
            routing.logits().size(1));
    Tensor actual = spread(routing.experts(), routing.gates(), routing.logits().size(1));
    assertClose(actual, expected, "gates of layer " + layer);
  }

  private static Tensor spread(Tensor experts, Tensor gates, long count) {
    return Tensors.oneHot(experts, count).to(Dtype.F32).mul(gates.unsqueeze(-1)).sum(1);
  }

  private static Tensor read(SafetensorsFile file, String name) {
    StoredTensor stored = file.tensors().get(name);
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }

  private static void assertClose(Tensor actual, Tensor expected, String what) {
    double difference =
        actual.reshape(-1).sub(expected.to(Dtype.F32).reshape(-1)).abs().max().item();
    assertThat(difference).as(what).isLessThan(TOLERANCE);
  }
}
