package dev.smelt.model.export;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.Family;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Writes a model with fewer experts in stock form.
 *
 * <p>Everything that is only kept is copied as bytes; what a {@link LayerReduction} calls computed
 * is written by the caller, layer by layer in any order. The output appears when it is committed.
 */
public final class ReductionWriter implements AutoCloseable {
  private static final List<String> PREDICTION_LAYERS =
      List.of("num_nextn_predict_layers", "mtp_num_hidden_layers");

  private final MoeModel model;
  private final ReductionPlan plan;
  private final CheckpointWriter writer;
  private final ConfigDocument config;

  private ReductionWriter(
      MoeModel model, ReductionPlan plan, CheckpointWriter writer, ConfigDocument config) {
    this.model = model;
    this.plan = plan;
    this.writer = writer;
    this.config = config;
  }

  /**
   * Starts an output.
   *
   * @param model the source
   * @param target the output directory
   * @param layers a reduction for every layer with experts, all with the same count
   * @param options of the writer
   */
  public static ReductionWriter create(
      MoeModel model, Path target, List<LayerReduction> layers, WriterOptions options) {
    if (layers.size() != model.moeLayers().size()
        || layers.stream().mapToInt(LayerReduction::count).distinct().count() != 1) {
      throw new IllegalArgumentException(
          "the stock form has the same number of experts in every layer");
    }
    requireOther(model.checkpoint().directory(), target);
    ReductionPlan plan = new ReductionPlan(model, layers);
    return new ReductionWriter(
        model,
        plan,
        CheckpointWriter.create(target, infos(plan), options),
        withCount(model.config(), layers.getFirst().count()));
  }

  /** Replacing the source would leave nothing to compare with, and nothing if the run fails. */
  private static void requireOther(Path source, Path target) {
    try {
      if (Files.exists(target) && Files.isSameFile(source, target)) {
        throw SmeltException.usage(target + ": is the source itself", "choose another output");
      }
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED, target + ": cannot be read: " + e.getMessage(), "check its permissions", e);
    }
  }

  private static List<TensorInfo> infos(ReductionPlan plan) {
    return plan.outputs().values().stream().map(OutputTensor::info).toList();
  }

  /** Bytes of all tensors of the output that a plan leads to. */
  public static long plannedBytes(MoeModel model, List<LayerReduction> layers) {
    return infos(new ReductionPlan(model, layers)).stream().mapToLong(TensorInfo::bytes).sum();
  }

  /**
   * config.json with every spelling of the expert count that is present kept true, and without
   * layers that predict further tokens: these still have all experts and are left out.
   */
  private static ConfigDocument withCount(ModelConfig config, int count) {
    ConfigDocument edited = config.document();
    for (String field : Family.EXPERT_COUNT_FIELDS) {
      String path = config.path(field);
      JsonNode found = config.at(field);
      if (found.isArray()) {
        edited = edited.with(path, Collections.nCopies(found.size(), count).toString());
      } else if (found.isIntegralNumber()) {
        edited = edited.with(path, count);
      }
    }
    for (String field : PREDICTION_LAYERS) {
      if (config.positive(field).isPresent()) {
        edited = edited.with(config.path(field), 0);
      }
    }
    return edited;
  }

  /** Copies everything that is not computed. */
  public void copyKept() {
    for (OutputTensor output : plan.outputs().values()) {
      switch (output.origin()) {
        case OutputTensor.Copied _ -> writer.copy(output.info().name(), output.source());
        case OutputTensor.Sliced sliced -> copyParts(output, sliced);
        case OutputTensor.Computed _ -> {}
      }
    }
  }

  private void copyParts(OutputTensor output, OutputTensor.Sliced sliced) {
    StoredTensor source = output.source();
    List<Integer> experts = sliced.experts();
    long entries = experts.size() * sliced.span() + sliced.tail();
    long entry = output.info().bytes() / entries;
    long part = entry * sliced.span();
    String name = output.info().name();
    for (int position = 0; position < experts.size(); position++) {
      if (!sliced.computed().contains(position)) {
        writer.copySlice(name, position * part, source, experts.get(position) * part, part);
      }
    }
    long tail = entry * sliced.tail();
    if (tail > 0) {
      writer.copySlice(name, experts.size() * part, source, source.bytes() - tail, tail);
    }
  }

  /**
   * Writes a computed expert in the type of the source.
   *
   * @param layer index of the decoder layer
   * @param position its number in the output
   * @param expert its weights
   */
  public void writeExpert(int layer, int position, Expert expert) {
    MoeLayer moe = model.moeLayer(layer).orElseThrow();
    int source = plan.reduction(layer).survivors().get(position);
    try (var _ = Scope.open()) {
      moe.experts()
          .arrange(source, expert)
          .forEach((tensor, values) -> writePart(tensor, position, values));
    }
  }

  private void writePart(StoredTensor source, int position, Tensor values) {
    String name = plan.renumbered(source.name(), position);
    var memory = values.to(source.dtype()).contiguous().memory();
    if (plan.outputs().get(name).origin() instanceof OutputTensor.Sliced) {
      writer.writeSlice(name, position * memory.byteSize(), memory);
    } else {
      writer.write(name, memory);
    }
  }

  /** Writes a computed router matrix [K, H] in the type of the source. */
  public void writeRouter(int layer, Tensor rows) {
    StoredTensor source = model.moeLayer(layer).orElseThrow().router();
    try (var _ = Scope.open()) {
      writer.write(source.name(), rows.to(source.dtype()).contiguous().memory());
    }
  }

  /** Adds a text file, such as the report. */
  public void writeFile(String name, String text) {
    writer.writeFile(name, text);
  }

  /** Writes config.json and the side files, verifies everything and gives the output its name. */
  public WrittenCheckpoint commit() {
    writer.writeFile("config.json", config.text());
    writer.copySideFiles(model.checkpoint());
    return writer.commit();
  }

  @Override
  public void close() {
    writer.close();
  }
}
