package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.CompactOutput;
import dev.smelt.routing.repair.LayerFinish;
import dev.smelt.routing.repair.RepairTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Compresses layers whose experts were changed before, in the stream that changes them: merge and
 * compress are one pass.
 */
public final class BlockCompression implements LayerFinish, AutoCloseable {
  private final MoeModel model;
  private final Compressor compressor;
  private final List<LayerShape> shapes;
  private final List<CompactForm> forms;
  private final CompactOutput output;
  private final Dtype compute;
  private final List<ExpertReport> reports = new ArrayList<>();
  private Optional<LayerCompression> last = Optional.empty();

  /**
   * Prepares a pass.
   *
   * @param model the source
   * @param compressor a method that does not survey
   * @param shapes the layers as they are before this pass compresses them
   * @param forms of {@link Compressor#plan}
   * @param output takes what is computed
   * @param compute type of the forward passes
   */
  public BlockCompression(
      MoeModel model,
      Compressor compressor,
      List<LayerShape> shapes,
      List<CompactForm> forms,
      CompactOutput output,
      Dtype compute) {
    this.model = model;
    this.compressor = compressor;
    this.shapes = List.copyOf(shapes);
    this.forms = List.copyOf(forms);
    this.output = output;
    this.compute = compute;
  }

  @Override
  public MoeBlock finish(int layer, MoeBlock block, RepairTokens tokens) {
    close();
    int at = shapes.stream().map(LayerShape::layer).toList().indexOf(layer);
    MoeBlock computed =
        block.with(
            block.router().with(block.router().weight().to(compute)),
            block.experts().stream().map(e -> e.map((_, t) -> t.to(compute))).toList());
    LayerWork work = LayerWork.of(shapes.get(at), e -> block.experts().get(e), computed, tokens);
    Dtype stored = model.moeLayer(layer).orElseThrow().experts().valueType();
    LayerCompression done =
        new LayerCompression(work, forms.get(at), stored, output, Optional.of(stored))
            .run(compressor);
    reports.addAll(done.reports());
    last = Optional.of(done);
    return block.with(block.router(), done.rows());
  }

  /** What became of the experts of all layers so far. */
  public List<ExpertReport> reports() {
    return List.copyOf(reports);
  }

  @Override
  public void close() {
    last.ifPresent(LayerCompression::close);
    last = Optional.empty();
  }
}
