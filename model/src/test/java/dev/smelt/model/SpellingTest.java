package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Fault;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.export.ExportOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same model in other words: older configs, larger models around it, layers that do not run.
 */
class SpellingTest {
  @TempDir private Path directory;

  @Test
  void olderRotaryFields() {
    UnaryOperator<ConfigDocument> older =
        c ->
            c.without("rope_parameters")
                .with("rope_theta", "150000.0")
                .with(
                    "rope_scaling",
                    "{\"rope_type\": \"yarn\", \"factor\": 32.0, \"beta_fast\": 32.0,"
                        + " \"beta_slow\": 1.0, \"truncate\": false,"
                        + " \"original_max_position_embeddings\": 4096}");
    try (var model = Goldens.open("gpt_oss", older, UnaryOperator.identity())) {
      assertGolden("gpt_oss", model);
    }
  }

  @Test
  void partialRotaryFactorAtTheTop() {
    UnaryOperator<ConfigDocument> older =
        c -> c.without("rope_parameters").with("rope_theta", "10000.0");
    try (var model = Goldens.open("glm4_moe", older, UnaryOperator.identity())) {
      assertGolden("glm4_moe", model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"granitemoehybrid", "nemotron_h"})
  void stateSpacesInsideALargerModel(String golden) {
    try (var checkpoint = Checkpoint.open(Goldens.directory(golden))) {
      String inner = checkpoint.config().without("time_step_limit").text();
      String limits = ", \"time_step_limit\": [0.0, {\"__float__\": \"Infinity\"}]}";
      String text = inner.substring(0, inner.lastIndexOf('}')) + limits;
      UnaryOperator<ConfigDocument> nested =
          c -> ConfigDocument.parse("{\"text_config\": " + text + "}", directory);
      try (var model = Goldens.open(golden, nested, UnaryOperator.identity())) {
        assertGolden(golden, model);
      }
    }
  }

  @Test
  void olderFieldsOfNemotron() {
    UnaryOperator<ConfigDocument> older =
        c ->
            c.without("n_groups")
                .without("conv_kernel")
                .without("time_step_min")
                .without("layers_block_type")
                .with("mamba_n_groups", 2)
                .with("mamba_d_conv", 4)
                .with("mamba_dt_min", "0.001")
                .with("num_hidden_layers", 4)
                .with("hybrid_override_pattern", "\"ME*-\"");
    try (var model = Goldens.open("nemotron_h", older, UnaryOperator.identity())) {
      assertGolden("nemotron_h", model);
    }
  }

  @Test
  void languageModelInsideALargerOne() throws IOException {
    String golden = "qwen3_moe";
    write(golden, name -> List.of(name.replace("model.", "model.language_model.")));
    String inner = Files.readString(Goldens.directory(golden).resolve("config.json"));
    Files.writeString(
        directory.resolve("config.json"),
        "{\"model_type\": \"qwen3_vl_moe\", \"text_config\": " + inner + "}");
    try (var model = MoeModel.open(directory)) {
      assertGolden(golden, model);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.layers.3.", "mtp.layers.0.", "model.mtp.layers.0."})
  void predictionLayersAreLeftOutOrReduced(String prefix) throws IOException {
    String golden = "glm4_moe";
    write(golden, name -> withFurtherLayer(name, prefix));
    String config = Files.readString(Goldens.directory(golden).resolve("config.json"));
    Files.writeString(
        directory.resolve("config.json"),
        ConfigDocument.parse(config, directory).with("num_nextn_predict_layers", 1).text());
    Path without = directory.resolve("without");
    Path with = directory.resolve("with");
    try (var model = MoeModel.open(directory)) {
      assertGolden(golden, model);
      assertThat(model.predictionTensors()).isNotEmpty();
      assertThat(model.predictionLayers()).hasSize(1).allMatch(moe -> moe.layer() == 3);
      List<LayerReduction> layers = new ArrayList<>();
      model.moeLayers().forEach(moe -> layers.add(reduction(moe)));
      reduce(model, without, layers, ExportOptions.DEFAULTS);
      model.predictionLayers().forEach(moe -> layers.add(reduction(moe)));
      reduce(model, with, layers, new ExportOptions(false, true));
    }
    try (var reduced = MoeModel.open(without)) {
      assertThat(reduced.predictionTensors()).isEmpty();
      assertThat(reduced.config().integer("num_nextn_predict_layers")).isZero();
    }
    try (var reduced = MoeModel.open(with)) {
      assertThat(reduced.predictionLayers()).allMatch(moe -> moe.experts().count() == 3);
      assertThat(reduced.predictionLayers().getFirst().router().dim(0)).isEqualTo(3);
      assertThat(reduced.config().integer("num_nextn_predict_layers")).isOne();
    }
  }

  private static LayerReduction reduction(MoeLayer moe) {
    return new LayerReduction(moe.layer(), List.of(1, 4, 6), Set.of(), false);
  }

  private static void reduce(
      MoeModel model, Path target, List<LayerReduction> layers, ExportOptions options) {
    try (var writer =
        ReductionWriter.create(model, target, layers, options, WriterOptions.DEFAULTS)) {
      writer.copyKept();
      assertThat(writer.commit().directory()).isEqualTo(target);
    }
  }

  @Test
  void groupsAreRemovedOnRequest() {
    String golden = "deepseek_v3";
    UnaryOperator<ConfigDocument> one = c -> c.with("n_group", 1).with("topk_group", 1);
    try (var expected = Goldens.open(golden, one, UnaryOperator.identity());
        var model = MoeModel.openUngrouped(Goldens.directory(golden))) {
      assertThat(model.architecture().groups()).isOne();
      assertThat(model.config().document()).isEqualTo(expected.config().document());
      assertThat(Goldens.differences(golden, model))
          .isEqualTo(Goldens.differences(golden, expected));
    }
    assertThatThrownBy(() -> MoeModel.openUngrouped(Goldens.directory("mixtral")))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.USAGE));
  }

  private static void assertGolden(String golden, MoeModel model) {
    assertThat(Collections.max(Goldens.differences(golden, model).values())).isLessThan(2e-4);
  }

  /** Writes the tensors of a golden under one or more other names each. */
  private void write(String golden, Function<String, List<String>> names) {
    try (var source = Checkpoint.open(Goldens.directory(golden))) {
      SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
      for (StoredTensor tensor : source.tensors().values()) {
        for (String name : names.apply(tensor.name())) {
          tensors.put(tensor.info().renamed(name), source.data(tensor));
        }
      }
      SafetensorsWriter.write(
          directory.resolve("model.safetensors"), new LinkedHashMap<>(), tensors);
    }
  }

  /** The tensors of the last layer are also those of one more. */
  private static List<String> withFurtherLayer(String name, String prefix) {
    return name.startsWith("model.layers.2.")
        ? List.of(name, name.replace("model.layers.2.", prefix))
        : List.of(name);
  }
}
