package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.HiddenStates.SequenceLoss;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.layer.StackForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Switch Transformers: an encoder and a decoder in one stream of hidden states. */
class EncoderDecoderTest {
  private static final String GOLDEN = "switch_transformers";
  private static final int[] FIRST = {5, 17, 80, 2, 9, 33, 61, 12, 7, 95, 4};
  private static final int[] SECOND = {44, 8, 8, 21, 70};

  @TempDir private Path directory;

  @Test
  void agreesWithTransformers() {
    try (var model = Goldens.open(GOLDEN)) {
      assertThat(model.architecture().layers()).isEqualTo(8);
      assertThatThrownBy(() -> model.head(Dtype.F32)).hasMessageContaining("encoder-decoders");
      assertThat(model.moeLayers()).extracting(MoeLayer::layer).containsExactly(1, 3, 5, 7);
      assertThat(differences(model)).hasSize(8 + 1 + 3 * 4);
      assertThat(Collections.max(differences(model).values())).isLessThan(2e-4);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "expert_capacity, 64",
    "expert_capacity, 1",
    "relative_attention_max_distance, 8",
    "dense_act_fn, '\"silu\"'",
    "layer_norm_epsilon, 0.01",
    "tie_word_embeddings, false",
    "decoder_start_token_id, 3",
    "num_heads, 2"
  })
  void everyIngredientMatters(String field, String value) {
    UnaryOperator<ConfigDocument> change = c -> c.with(field, value);
    if (List.of("tie_word_embeddings", "num_heads").contains(field)) {
      assertThatThrownBy(() -> Goldens.open(GOLDEN, change, UnaryOperator.identity()))
          .isInstanceOf(SmeltException.class);
      return;
    }
    try (var model = Goldens.open(GOLDEN, change, UnaryOperator.identity())) {
      assertThat(Collections.max(differences(model).values())).isGreaterThan(1e-3);
    }
  }

  /** The largest differences of states, logits, router logits and gate values. */
  private static SequencedMap<String, Double> differences(MoeModel model) {
    SequencedMap<String, Double> found = new TreeMap<>();
    try (var golden =
            SafetensorsFile.open(Goldens.directory(GOLDEN).resolve("golden.safetensors"));
        var _ = Scope.open()) {
      Tensor encoder = Goldens.read(golden, "input_ids").reshape(-1);
      Tensor decoder = Goldens.read(golden, "decoder_input_ids").reshape(-1);
      int first = (int) encoder.size(0);
      Tensor ids = Tensors.concat(List.of(encoder, decoder), 0).unsqueeze(0);
      Tensor state = model.embed(ids, Dtype.F32).select(0, 0);
      for (int l = 0; l < 8; l++) {
        String name = (l < 4 ? "encoder." : "decoder.") + l % 4;
        state = model.layer(l, Dtype.F32).apply(state, first, comparing(golden, name, found));
        Tensor part =
            l < 4 ? state.narrow(0, 0, first) : state.narrow(0, first, state.size(0) - first);
        Tensor expected = Goldens.read(golden, "layer_out." + name).select(0, 0);
        found.put(name, Goldens.difference(part, l == 3 ? last(model, expected) : expected));
      }
      Tensor rest = state.narrow(0, first, state.size(0) - first);
      Tensor logits = model.decoderHead(Dtype.F32).logits(rest);
      found.put("logits", Goldens.difference(logits, Goldens.read(golden, "logits")));
    }
    return found;
  }

  /** The last layer of the encoder ends with the encoder's norm. */
  private static Tensor last(MoeModel model, Tensor state) {
    Weights weights = new Weights(model.checkpoint(), Dtype.F32);
    return new RmsNorm(weights.load("encoder.final_layer_norm.weight"), 1e-6).apply(state);
  }

  private static MoeObserver comparing(
      SafetensorsFile golden, String name, SequencedMap<String, Double> found) {
    return new MoeObserver() {
      @Override
      public void routed(int layer, Tensor input, Routing routing) {
        Tensor logits = Goldens.read(golden, "router_logits." + name).select(0, 0);
        found.put("router." + name, Goldens.difference(routing.logits(), logits));
        Tensor mask = Goldens.read(golden, "dispatch_mask." + name).select(1, 0);
        Tensor applied = mask.to(Dtype.F32).mul(Goldens.read(golden, "topk_weights." + name));
        Tensor gates = Tensors.oneHot(routing.experts().reshape(-1), 8).to(Dtype.F32);
        found.put("gates." + name, Goldens.difference(gates.mul(routing.gates()), applied));
        found.put("input." + name, (double) (input.size(0) == logits.size(0) ? 0 : 1));
      }
    };
  }

  @Test
  void sequencesInABatchAreTheSameAsAlone() {
    try (var model = Goldens.open(GOLDEN)) {
      List<SequenceLoss> together = losses(model, FIRST, SECOND);
      List<SequenceLoss> apart = new ArrayList<>(losses(model, FIRST));
      apart.addAll(losses(model, SECOND));
      assertThat(together.getFirst().tokens()).isEqualTo(5);
      assertThat(together.getLast().tokens()).isEqualTo(2);
      for (int i = 0; i < 2; i++) {
        assertThat(together.get(i).sum()).isCloseTo(apart.get(i).sum(), within(1e-4));
      }
      assertThat(StackForm.encoderTokens(FIRST.length)).isEqualTo(5);
    }
  }

  private static List<SequenceLoss> losses(MoeModel model, int[]... sequences) {
    return Evaluation.losses(model, Dtype.F32, 64, List.of(sequences), layer -> {});
  }

  @Test
  void droppedExpertsAreGone() {
    List<Integer> survivors = List.of(0, 2, 3, 5, 7);
    Path target = directory.resolve("out");
    try (var model = Goldens.open(GOLDEN)) {
      List<LayerReduction> layers =
          model.moeLayers().stream()
              .map(moe -> new LayerReduction(moe.layer(), survivors, Set.of(1), false))
              .toList();
      try (var writer = ReductionWriter.create(model, target, layers, WriterOptions.DEFAULTS);
          var _ = Scope.open()) {
        writer.copyKept();
        Weights weights = new Weights(model.checkpoint(), Dtype.F32);
        for (MoeLayer moe : model.moeLayers()) {
          writer.writeExpert(moe.layer(), 1, moe.experts().load(weights, 2));
        }
        assertThat(writer.commit().directory()).isEqualTo(target);
      }
      try (var reduced = MoeModel.open(target);
          var _ = Scope.open()) {
        assertThat(reduced.config().integer("num_experts")).isEqualTo(5);
        Weights before = new Weights(model.checkpoint(), Dtype.F32);
        Weights after = new Weights(reduced.checkpoint(), Dtype.F32);
        for (MoeLayer moe : reduced.moeLayers()) {
          MoeLayer source = model.moeLayer(moe.layer()).orElseThrow();
          for (int e = 0; e < 5; e++) {
            Tensor kept = source.experts().load(before, survivors.get(e)).down();
            assertThat(Goldens.difference(moe.experts().load(after, e).down(), kept)).isZero();
          }
        }
        assertThat(losses(reduced, FIRST).getFirst().sum()).isFinite();
      }
    }
  }
}
