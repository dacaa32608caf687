package dev.smelt.model.export;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertStorage;
import dev.smelt.model.Fp8;
import dev.smelt.model.FusedStorage;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Writes a model with fewer experts in stock form.
 *
 * <p>Everything that is only kept is copied as bytes; what a {@link LayerReduction} calls computed
 * is written by the caller, layer by layer in any order. The output appears when it is committed.
 */
public final class ReductionWriter implements ReducedOutput {
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
   * Starts an output with default choices; see {@link #create(MoeModel, Path, List, ExportOptions,
   * WriterOptions)}.
   */
  public static ReductionWriter create(
      MoeModel model, Path target, List<LayerReduction> layers, WriterOptions options) {
    return create(model, target, layers, ExportOptions.DEFAULTS, options);
  }

  /**
   * Starts an output.
   *
   * @param model the source
   * @param target the output directory
   * @param layers a reduction for every layer with experts, all with the same count; also for those
   *     of {@link MoeModel#predictionLayers} if they are to be written
   * @param export what is written
   * @param options of the writer
   */
  public static ReductionWriter create(
      MoeModel model,
      Path target,
      List<LayerReduction> layers,
      ExportOptions export,
      WriterOptions options) {
    requireUniform(model, layers, export);
    requireOther(model.checkpoint().directory(), target);
    ReductionPlan plan = new ReductionPlan(model, layers, export);
    ModelConfig narrowed =
        export.width().isPresent()
            ? model.config().with(model.expertWidth(export.width().getAsLong()).config())
            : model.config();
    ConfigDocument config =
        ReducedConfig.of(
            narrowed,
            layers.getFirst().count(),
            export.predictionLayers(),
            converted(plan),
            isQuantised(plan));
    return new ReductionWriter(
        model, plan, CheckpointWriter.create(target, infos(plan), options), config);
  }

  /**
   * Starts an output whose experts are in compact form.
   *
   * @param layers how the experts of every layer are stored
   * @param routers which rows of the router each layer keeps
   */
  static ReductionWriter compact(
      MoeModel model,
      Path target,
      List<CompactForm> layers,
      List<LayerReduction> routers,
      WriterOptions options) {
    requireOther(model.checkpoint().directory(), target);
    ReductionPlan plan = new ReductionPlan(model, routers, ExportOptions.DEFAULTS, layers);
    ConfigDocument config = ReducedConfig.compact(model, layers, isQuantised(plan));
    ReductionWriter writer =
        new ReductionWriter(
            model, plan, CheckpointWriter.create(target, infos(plan), options), config);
    writer.writeFile(ReducedConfig.MODELING, ReducedConfig.modeling());
    return writer;
  }

  private static void requireUniform(
      MoeModel model, List<LayerReduction> layers, ExportOptions export) {
    int further = export.predictionLayers() ? model.predictionLayers().size() : 0;
    if (layers.size() != model.moeLayers().size() + further) {
      throw new IllegalArgumentException(layers.size() + " reductions do not cover all layers");
    }
    List<Integer> counts = layers.stream().map(LayerReduction::count).distinct().toList();
    if (counts.size() != 1) {
      throw SmeltException.unsupported(
          "layers would be left with different numbers of experts: " + counts,
          "the stock form has the same number of experts in every layer");
    }
  }

  /**
   * The modules of experts that are converted, by the names in the checkpoint and in stock memory.
   */
  private static List<String> converted(ReductionPlan plan) {
    return plan.conversions().keySet().stream()
        .map(layer -> plan.storage(layer).parts().getFirst().tensor().name())
        .map(name -> name.substring(0, name.lastIndexOf("experts.") + "experts".length()))
        .flatMap(name -> Stream.of(name, name.replace("block_sparse_moe.", "mlp.")).distinct())
        .toList();
  }

  private static boolean isQuantised(ReductionPlan plan) {
    return plan.outputs().keySet().stream()
        .anyMatch(name -> name.endsWith(Fp8.SCALES) || name.endsWith(FusedStorage.BLOCKS));
  }

  /**
   * Insists that an output is not a source: replacing it would leave nothing to compare with, and
   * nothing if the run fails.
   */
  public static void requireOther(Path source, Path target) {
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
  public static long plannedBytes(
      MoeModel model, List<LayerReduction> layers, ExportOptions export) {
    return infos(new ReductionPlan(model, layers, export)).stream()
        .mapToLong(TensorInfo::bytes)
        .sum();
  }

  @Override
  public void copyKept(Set<Integer> undecided) {
    for (OutputTensor output : plan.outputs().values()) {
      switch (output.origin()) {
        case OutputTensor.Copied _ -> writer.copy(output.info().name(), output.source());
        case OutputTensor.Padded(int dimension) -> copyPadded(output, dimension);
        case OutputTensor.Sliced _, OutputTensor.Computed _ -> {}
      }
    }
    plan.reductions().stream()
        .filter(reduction -> !undecided.contains(reduction.layer()))
        .forEach(reduction -> copyCompanions(reduction.layer(), reduction.survivors()));
    plan.conversions().forEach((layer, kept) -> kept.forEach(at -> convert(layer, at)));
  }

  @Override
  public void copyCompanions(int layer, List<Integer> survivors) {
    for (OutputTensor output : plan.ofLayer(layer)) {
      if (output.origin() instanceof OutputTensor.Sliced sliced) {
        copyParts(output, sliced.of(survivors));
      }
    }
  }

  @Override
  public boolean wantsAll() {
    return false;
  }

  /** Writes a kept expert of a layer whose others are computed. */
  private void convert(int layer, int position) {
    try (var _ = Scope.open()) {
      Weights weights = new Weights(model.checkpoint(), Dtype.F32);
      int source = plan.reduction(layer).survivors().get(position);
      MoeLayer moe = model.moeLayer(layer).orElseThrow();
      writeExpert(layer, position, moe.experts().load(weights, source));
    }
  }

  private void copyPadded(OutputTensor output, int dimension) {
    try (var _ = Scope.open()) {
      Tensor values = Weights.stored(model.checkpoint(), output.source());
      long[] missing = values.shape();
      missing[dimension] = output.info().shape().get(dimension) - missing[dimension];
      Tensor zeros = Tensors.zeros(values.dtype(), missing);
      Tensor padded = Tensors.concat(List.of(values, zeros), dimension).contiguous();
      writer.write(output.info().name(), padded.memory());
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
   * Writes a computed expert: in the type of the source, or in BF16 if that is quantised and not to
   * be quantised again.
   *
   * @param layer index of the decoder layer
   * @param position its number in the output
   * @param expert its weights
   */
  @Override
  public void writeExpert(int layer, int position, Expert expert) {
    int source = plan.reduction(layer).survivors().get(position);
    try (var _ = Scope.open()) {
      ExpertStorage storage = plan.storage(layer);
      storage
          .arrange(source, expert.padded(storage.width()))
          .forEach((tensor, values) -> writePart(tensor, position, values));
    }
  }

  private void writePart(StoredTensor source, int position, Tensor values) {
    String name = plan.renumbered(source.name(), position);
    if (source.dtype().equals(Dtype.F8_E4M3)) {
      Fp8.Quantised rounded = Fp8.quantise(values, model.checkpoint().config());
      String scales = plan.renumbered(source.name() + Fp8.SCALES, position);
      Dtype type = plan.outputs().get(scales).info().dtype();
      writer.write(name, rounded.values().memory());
      writer.write(scales, rounded.scales().to(type).memory());
      return;
    }
    var memory = values.to(source.dtype()).contiguous().memory();
    if (plan.outputs().get(name).origin() instanceof OutputTensor.Sliced) {
      writer.writeSlice(name, position * memory.byteSize(), memory);
    } else {
      writer.write(name, memory);
    }
  }

  /** Writes a computed router matrix [K, H] in the type of the source. */
  @Override
  public void writeRouter(int layer, Tensor rows) {
    StoredTensor source = model.moeLayer(layer).orElseThrow().router();
    try (var _ = Scope.open()) {
      writer.write(source.name(), rows.to(source.dtype()).contiguous().memory());
    }
  }

  /** Writes a planned tensor, in the type that was planned. */
  void writeTensor(String name, Tensor values) {
    Dtype type = plan.outputs().get(name).info().dtype();
    try (var _ = Scope.open()) {
      writer.write(name, values.to(type).contiguous().memory());
    }
  }

  /** Bytes of all tensors of the output. */
  @Override
  public long bytes() {
    return infos(plan).stream().mapToLong(TensorInfo::bytes).sum();
  }

  /** Bytes of the files of weights, headers included. */
  public long fileBytes(WriterOptions options) {
    return CheckpointWriter.fileBytes(infos(plan), options);
  }

  /** Adds a text file, such as the report. */
  @Override
  public void writeFile(String name, String text) {
    writer.writeFile(name, text);
  }

  /** Writes config.json and the side files, verifies everything and gives the output its name. */
  @Override
  public WrittenCheckpoint commit() {
    writer.writeFile("config.json", config.text());
    writer.copySideFiles(model.checkpoint(), ReducedConfig.MODELING);
    return writer.commit();
  }

  @Override
  public void close() {
    writer.close();
  }
}
