package dev.smelt.model.export;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertTensor;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactConfig;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactNames;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a model again with other values in some of its tensors: names, types, shapes and
 * config.json stay, unless experts in compact form keep fewer neurons. What is not written is
 * copied as bytes when the output is committed.
 */
public final class ReplacementWriter implements AutoCloseable {
  private final MoeModel model;
  private final CheckpointWriter writer;
  private final String config;
  private final Set<String> written = new LinkedHashSet<>();

  private ReplacementWriter(MoeModel model, CheckpointWriter writer, String config) {
    this.model = model;
    this.writer = writer;
    this.config = config;
  }

  /**
   * Starts an output.
   *
   * @param model the source
   * @param target the output directory
   * @param options of the writer
   */
  public static ReplacementWriter create(MoeModel model, Path target, WriterOptions options) {
    ReductionWriter.requireOther(model.checkpoint().directory(), target);
    var infos = model.checkpoint().tensors().values().stream().map(StoredTensor::info).toList();
    return new ReplacementWriter(
        model, CheckpointWriter.create(target, infos, options), model.config().document().text());
  }

  /**
   * Starts an output whose experts in compact form keep other numbers of neurons.
   *
   * @param model the source, in compact form
   * @param target the output directory
   * @param layers how the experts of every layer in compact form are stored
   * @param options of the writer
   */
  public static ReplacementWriter create(
      MoeModel model, Path target, List<CompactForm> layers, WriterOptions options) {
    ReductionWriter.requireOther(model.checkpoint().directory(), target);
    Map<String, TensorInfo> changed = new LinkedHashMap<>();
    for (CompactForm form : layers) {
      CompactNames names = new CompactNames(model.block(form.layer()) + "experts.");
      for (TensorInfo info : names.infos(form, Dtype.F32)) {
        Dtype dtype = model.checkpoint().require(info.name()).dtype();
        changed.put(info.name(), new TensorInfo(info.name(), dtype, info.shape()));
      }
    }
    var infos =
        model.checkpoint().tensors().values().stream()
            .map(t -> changed.getOrDefault(t.name(), t.info()))
            .toList();
    ConfigDocument before = model.config().document();
    String json = CompactConfig.json(layers, CompactConfig.storage(before));
    return new ReplacementWriter(
        model,
        CheckpointWriter.create(target, infos, options),
        before.with(CompactConfig.FIELD, json).text());
  }

  /** Writes a tensor in the type of the source. */
  public void write(StoredTensor tensor, Tensor values) {
    written.add(tensor.name());
    try (var _ = Scope.open()) {
      writer.write(tensor.name(), memory(tensor, values));
    }
  }

  /** Writes all experts and the router's matrix of a layer in the types of the source. */
  public void writeLayer(int layer, Tensor router, List<Expert> experts) {
    MoeLayer moe = model.moeLayer(layer).orElseThrow();
    write(moe.router(), router);
    for (int e = 0; e < experts.size(); e++) {
      int expert = e;
      try (var _ = Scope.open()) {
        moe.experts()
            .arrange(e, experts.get(e))
            .forEach((tensor, values) -> writePart(moe, tensor, expert, values));
      }
    }
  }

  private void writePart(MoeLayer moe, StoredTensor tensor, int expert, Tensor values) {
    written.add(tensor.name());
    MemorySegment memory = memory(tensor, values);
    boolean sliced =
        moe.experts().parts().stream()
            .anyMatch(part -> part.tensor().equals(tensor) && part instanceof ExpertTensor.Sliced);
    writer.writeSlice(tensor.name(), sliced ? expert * memory.byteSize() : 0, memory);
  }

  private static MemorySegment memory(StoredTensor tensor, Tensor values) {
    return values.to(tensor.dtype()).contiguous().memory();
  }

  /** Adds a text file, such as the report. */
  public void writeFile(String name, String text) {
    writer.writeFile(name, text);
  }

  /** Adds a file. */
  public void writeFile(String name, byte[] bytes) {
    writer.writeFile(name, bytes);
  }

  /** Copies all else, verifies everything and gives the output its name. */
  public WrittenCheckpoint commit() {
    model.checkpoint().tensors().values().stream()
        .filter(tensor -> !written.contains(tensor.name()))
        .forEach(tensor -> writer.copy(tensor.name(), tensor));
    writer.writeFile("config.json", config);
    writer.copySideFiles(model.checkpoint());
    return writer.commit();
  }

  @Override
  public void close() {
    writer.close();
  }
}
