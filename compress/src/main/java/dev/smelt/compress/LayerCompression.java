package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.export.CompactOutput;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One layer on its way through a method: values are brought to the type of the checkpoint, written
 * and compared with the original.
 */
final class LayerCompression implements Compressor.Sink, AutoCloseable {
  private final LayerWork work;
  private final CompactForm form;
  private final Dtype stored;
  private final CompactOutput output;
  private final Optional<Dtype> dense;
  private final Map<ExpertPart, Tensor> bases = new EnumMap<>(ExpertPart.class);
  private final Map<Integer, Expert> experts = new TreeMap<>();
  private final Map<Integer, List<String>> remarks = new LinkedHashMap<>();
  private final Map<Integer, ExpertReport> reports = new TreeMap<>();
  private final List<Tensor> kept = new ArrayList<>();

  /**
   * Starts a layer.
   *
   * @param work the layer
   * @param form how it will be stored
   * @param stored the type in which it will be stored
   * @param output where it is written
   * @param dense the type in which the changed experts are kept for a forward pass, if they are
   */
  LayerCompression(
      LayerWork work, CompactForm form, Dtype stored, CompactOutput output, Optional<Dtype> dense) {
    this.work = work;
    this.form = form;
    this.stored = stored;
    this.output = output;
    this.dense = dense;
  }

  /** Runs the method on the layer. */
  LayerCompression run(Compressor compressor) {
    compressor.compress(work, form, this);
    if (reports.size() != form.experts().size()) {
      throw new IllegalStateException(
          "layer %d: %d of %d experts"
              .formatted(form.layer(), reports.size(), form.experts().size()));
    }
    return this;
  }

  /** The reports of all experts, in order. */
  List<ExpertReport> reports() {
    return List.copyOf(reports.values());
  }

  /** The changed experts in the order of the router's rows; they live until this is closed. */
  List<Expert> rows() {
    return form.map().stream().map(experts::get).toList();
  }

  @Override
  public Tensor base(ExpertPart part, Tensor values) {
    try (var scope = Scope.open()) {
      Tensor cast = values.to(stored).contiguous();
      output.base(form.layer(), part, cast);
      bases.put(part, keep(scope, cast.to(Dtype.F32)));
    }
    return bases.get(part);
  }

  private Tensor keep(Scope scope, Tensor tensor) {
    kept.add(scope.release(tensor));
    return tensor;
  }

  @Override
  public void close() {
    kept.forEach(Tensor::close);
  }

  @Override
  public void remark(int e, String text) {
    remarks.computeIfAbsent(e, _ -> new ArrayList<>()).add(text);
  }

  @Override
  public void expert(int e, CompactExpert expert) {
    try (var scope = Scope.open()) {
      CompactExpert cast = expert.to(stored);
      Expert changed = cast.to(Dtype.F32).dense(work.shape().expert(), bases);
      output.expert(form.layer(), e, cast, changed);
      reports.put(e, report(e, changed));
      dense.ifPresent(
          type -> experts.put(e, changed.map((_, t) -> keep(scope, t.to(type).copy()))));
    }
  }

  private ExpertReport report(int e, Expert changed) {
    Expert original = work.expert(e);
    ErrorMeter meter = new ErrorMeter(original, changed);
    if (work.hasTokens()) {
      meter.on(work.heldOut(e));
    }
    List<MatrixReport> matrices = new ArrayList<>();
    CompactExpert.matricesOf(original)
        .forEach((part, w) -> matrices.add(matrix(e, form.experts().get(e).get(part), w, meter)));
    return new ExpertReport(
        form.layer(),
        e,
        work.hasTokens() ? work.training(e).count() : 0,
        meter.outputError(),
        matrices,
        remarks.getOrDefault(e, List.of()));
  }

  private MatrixReport matrix(int e, MatrixForm matrix, Tensor original, ErrorMeter meter) {
    return new MatrixReport(
        form.layer(),
        e,
        MatrixNames.of(matrix),
        matrix.rank(),
        matrix.kept(),
        meter.weightError(matrix.part()),
        meter.outputError(matrix.part()),
        original.elements(),
        matrix.parameters(),
        matrix.parameters() * stored.bytes() + 4L * matrix.kept());
  }
}
