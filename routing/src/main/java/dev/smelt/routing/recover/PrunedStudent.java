package dev.smelt.routing.recover;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * A student whose neurons were pruned, as it will be stored.
 *
 * @param layers how the experts of every layer in compact form are stored
 * @param values the neurons that are left, and which they are, by the tensors that had all of them
 * @param before neurons at the start
 * @param after neurons that are left
 */
public record PrunedStudent(
    List<CompactForm> layers, SequencedMap<StoredTensor, Tensor> values, long before, long after) {
  /** Copies the collections. */
  public PrunedStudent {
    layers = List.copyOf(layers);
    values = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(values));
  }

  /**
   * Leaves out the neurons that are zero, but one of each matrix.
   *
   * @param model the student as it was
   * @param pruning of it
   * @param weights the trained weights
   */
  public static PrunedStudent of(MoeModel model, NeuronPruning pruning, List<Tensor> weights) {
    SequencedMap<StoredTensor, Tensor> values = new LinkedHashMap<>();
    Map<String, Integer> left = new LinkedHashMap<>();
    long before = 0;
    long after = 0;
    for (NeuronPruning.Neurons m : pruning.matrices()) {
      Tensor kept = weights.get(m.position()).detach();
      int[] alive = alive(kept, m.form().neuronDimension());
      Tensor places = Tensors.ofInts(alive);
      CompactStorage compact = compact(model, m.layer());
      StoredTensor index =
          compact.tensor(compact.names().piece(m.expert(), m.form().part(), Piece.INDEX));
      Tensor all = Tensors.ofMemory(model.checkpoint().data(index), Dtype.I32, m.form().kept());
      values.put(m.kept(), kept.indexSelect(m.form().neuronDimension(), places).contiguous());
      values.put(index, all.indexSelect(0, places).contiguous());
      left.put(m.kept().name(), alive.length);
      before += m.form().kept();
      after += alive.length;
    }
    return new PrunedStudent(forms(model, left), values, before, after);
  }

  private static CompactStorage compact(MoeModel model, int layer) {
    if (model.moeLayer(layer).orElseThrow().experts() instanceof CompactStorage compact) {
      return compact;
    }
    throw new IllegalArgumentException("layer " + layer + " is not in compact form");
  }

  /** Neurons that are not zero; the first if all are. */
  private static int[] alive(Tensor kept, int neuronDimension) {
    double[] sizes = kept.abs().to(Dtype.F64).mean(1 - neuronDimension, false).toDoubles();
    int[] alive = IntStream.range(0, sizes.length).filter(k -> sizes[k] > 0).toArray();
    return alive.length == 0 ? new int[] {0} : alive;
  }

  private static List<CompactForm> forms(MoeModel model, Map<String, Integer> left) {
    List<CompactForm> forms = new ArrayList<>();
    for (var moe : model.moeLayers()) {
      if (moe.experts() instanceof CompactStorage compact) {
        CompactForm form = compact.layout();
        List<ExpertForms> experts = new ArrayList<>();
        for (int e = 0; e < form.experts().size(); e++) {
          experts.add(expert(compact, e, left));
        }
        forms.add(new CompactForm(form.layer(), experts, form.map(), form.bases(), form.biased()));
      }
    }
    return forms;
  }

  private static ExpertForms expert(CompactStorage compact, int e, Map<String, Integer> left) {
    SequencedMap<ExpertPart, MatrixForm> matrices =
        new LinkedHashMap<>(compact.layout().experts().get(e).matrices());
    matrices.replaceAll(
        (part, m) -> {
          int kept = left.getOrDefault(compact.names().piece(e, part, Piece.KEPT), m.kept());
          return new MatrixForm(part, m.rows(), m.columns(), m.rank(), kept);
        });
    return new ExpertForms(matrices);
  }
}
