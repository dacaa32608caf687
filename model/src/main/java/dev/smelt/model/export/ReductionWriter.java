package dev.smelt.model.export;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertStorage;
import dev.smelt.model.Family;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a model with fewer experts in stock form.
 *
 * <p>Everything that is only kept is copied as bytes; what a {@link LayerReduction} calls computed
 * is written by the caller, layer by layer in any order. The output appears when it is committed.
 */
public final class ReductionWriter implements AutoCloseable {
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
    ReductionPlan plan = new ReductionPlan(model, layers);
    return new ReductionWriter(
        model,
        plan,
        CheckpointWriter.create(target, infos(plan), options),
        withCount(model.checkpoint().config(), layers.getFirst().count()));
  }

  private static List<TensorInfo> infos(ReductionPlan plan) {
    return plan.outputs().values().stream().map(OutputTensor::info).toList();
  }

  /** Bytes of all tensors of the output that a plan leads to. */
  public static long plannedBytes(MoeModel model, List<LayerReduction> layers) {
    return infos(new ReductionPlan(model, layers)).stream().mapToLong(TensorInfo::bytes).sum();
  }

  /** config.json with every spelling of the expert count that is present kept true. */
  private static ConfigDocument withCount(ConfigDocument config, int count) {
    ConfigDocument edited = config;
    for (String field : Family.EXPERT_COUNT_FIELDS) {
      if (edited.integer(field).isPresent()) {
        edited = edited.with(field, count);
      }
    }
    return edited;
  }

  /** Copies everything that is not computed. */
  public void copyKept() {
    for (OutputTensor output : plan.outputs().values()) {
      switch (output.origin()) {
        case OutputTensor.Copied _ -> writer.copy(output.info().name(), output.source());
        case OutputTensor.Sliced(int layer, List<Integer> entries) ->
            copyEntries(output, layer, entries);
        case OutputTensor.Computed _ -> {}
      }
    }
  }

  private void copyEntries(OutputTensor output, int layer, List<Integer> entries) {
    StoredTensor source = output.source();
    long bytes = source.bytes() / source.dim(0);
    for (int position = 0; position < entries.size(); position++) {
      if (layer < 0 || !plan.reduction(layer).computed().contains(position)) {
        writer.copySlice(
            output.info().name(), position * bytes, source, entries.get(position) * bytes, bytes);
      }
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
    switch (moe.experts()) {
      case ExpertStorage.PerExpert(List<ExpertStorage.StoredExpert> experts) -> {
        writeWhole(experts.get(source).gate(), position, expert.gate());
        writeWhole(experts.get(source).up(), position, expert.up());
        writeWhole(experts.get(source).down(), position, expert.down());
      }
      case ExpertStorage.Fused(StoredTensor gateUp, StoredTensor down) -> {
        long half = gateUp.bytes() / gateUp.dim(0) / 2;
        writePart(gateUp, 2L * position * half, expert.gate());
        writePart(gateUp, (2L * position + 1) * half, expert.up());
        writePart(down, position * (down.bytes() / down.dim(0)), expert.down());
      }
    }
  }

  private void writeWhole(StoredTensor source, int position, Tensor values) {
    try (var _ = Scope.open()) {
      Tensor stored = values.to(source.dtype()).contiguous();
      writer.write(plan.renumbered(source.name(), position), stored.memory());
    }
  }

  private void writePart(StoredTensor source, long offset, Tensor values) {
    try (var _ = Scope.open()) {
      Tensor stored = values.to(source.dtype()).contiguous();
      writer.writeSlice(source.name(), offset, stored.memory());
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
