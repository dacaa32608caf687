package dev.smelt.model.export;

import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactNames;
import dev.smelt.model.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Writes experts in compact form, with the file from which transformers loads them.
 *
 * @param model the source
 * @param writer of the other tensors and of the routers
 */
public record CompactWriter(MoeModel model, ReductionWriter writer)
    implements CompactOutput, ReducedOutput {
  /**
   * Starts an output whose routers are those of the source.
   *
   * @param model the source
   * @param target the output directory
   * @param layers how the experts of every layer are stored
   * @param options of the writer
   */
  public static CompactWriter create(
      MoeModel model, Path target, List<CompactForm> layers, WriterOptions options) {
    return create(model, target, layers, reductions(layers), options);
  }

  /**
   * Starts an output.
   *
   * @param model the source
   * @param target the output directory
   * @param layers how the experts of every layer are stored
   * @param routers which rows of the router each layer keeps, and whether they are computed
   * @param options of the writer
   */
  public static CompactWriter create(
      MoeModel model,
      Path target,
      List<CompactForm> layers,
      List<LayerReduction> routers,
      WriterOptions options) {
    return new CompactWriter(
        model, ReductionWriter.compact(model, target, layers, routers, options));
  }

  /** All rows of the routers, as they are. */
  public static List<LayerReduction> reductions(List<CompactForm> layers) {
    return layers.stream()
        .map(layer -> LayerReduction.unchanged(layer.layer(), layer.map().size()))
        .toList();
  }

  /**
   * All tensors of an output.
   *
   * @param model the source
   * @param layers how the experts of every layer are stored
   * @param routers which rows of the router each layer keeps
   */
  public static List<TensorInfo> planned(
      MoeModel model, List<CompactForm> layers, List<LayerReduction> routers) {
    return new ReductionPlan(model, routers, ExportOptions.DEFAULTS, layers)
        .outputs().values().stream().map(OutputTensor::info).toList();
  }

  @Override
  public void copyKept(Set<Integer> undecided) {
    writer.copyKept(undecided);
  }

  @Override
  public void copyCompanions(int layer, List<Integer> survivors) {
    writer.copyCompanions(layer, survivors);
  }

  @Override
  public boolean wantsAll() {
    return true;
  }

  @Override
  public void writeExpert(int layer, int position, Expert expert) {
    expert(layer, position, CompactExpert.whole(expert), expert);
  }

  @Override
  public void writeRouter(int layer, Tensor rows) {
    writer.writeRouter(layer, rows);
  }

  @Override
  public long bytes() {
    return writer.bytes();
  }

  @Override
  public void writeFile(String name, String text) {
    writer.writeFile(name, text);
  }

  @Override
  public WrittenCheckpoint commit() {
    return writer.commit();
  }

  @Override
  public void close() {
    writer.close();
  }

  private CompactNames names(int layer) {
    return new CompactNames(model.block(layer) + "experts.");
  }

  @Override
  public void base(int layer, ExpertPart part, Tensor values) {
    writer.writeTensor(names(layer).base(part), values);
  }

  @Override
  public void expert(int layer, int e, CompactExpert expert, Expert sum) {
    CompactNames names = names(layer);
    expert
        .matrices()
        .forEach(
            (part, matrix) ->
                matrix
                    .pieces()
                    .forEach(
                        (piece, values) ->
                            writer.writeTensor(names.piece(e, part, piece), values)));
    expert
        .biases()
        .ifPresent(
            biases -> {
              writer.writeTensor(names.bias(e, ExpertPart.GATE), biases.gate());
              writer.writeTensor(names.bias(e, ExpertPart.UP), biases.up());
              writer.writeTensor(names.bias(e, ExpertPart.DOWN), biases.down());
            });
  }
}
