package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactMatrix;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Makes factors of the matrices of experts, or of what is left of them after a base, one expert at
 * a time.
 *
 * @param metric how errors count
 */
record Factoring(InputMetric metric) {
  /** Singular values of every matrix of a layer less its base. */
  LayerSurvey survey(LayerWork work, Map<ExpertPart, Tensor> bases) {
    List<SequencedMap<ExpertPart, double[]>> values = new ArrayList<>();
    for (int e = 0; e < work.shape().experts(); e++) {
      try (var _ = Scope.open()) {
        Expert expert = work.expert(e);
        InputMetric.OfExpert inputs = metric.of(work, e, expert);
        SequencedMap<ExpertPart, double[]> own = new LinkedHashMap<>();
        CompactExpert.matricesOf(expert)
            .forEach(
                (part, w) -> {
                  Tensor rest = less(w, part, bases);
                  own.put(part, Decomposition.of(rest, inputs.whitening(part)).values());
                });
        values.add(own);
      }
    }
    return new LayerSurvey(work.shape().layer(), values);
  }

  private static Tensor less(Tensor weight, ExpertPart part, Map<ExpertPart, Tensor> bases) {
    return bases.containsKey(part) ? weight.sub(bases.get(part)) : weight;
  }

  /**
   * Computes and hands on all experts of a layer.
   *
   * @param bases what the experts share, by matrix; none for a layer without a base
   */
  void compress(
      LayerWork work, CompactForm form, Map<ExpertPart, Tensor> bases, Compressor.Sink sink) {
    for (int e = 0; e < form.experts().size(); e++) {
      try (var _ = Scope.open()) {
        Expert expert = work.expert(e);
        InputMetric.OfExpert inputs = metric.of(work, e, expert);
        ExpertForms forms = form.experts().get(e);
        if (forms.matrices().values().stream().anyMatch(inputs::isScarce)) {
          sink.remark(e, "fewer tokens (" + inputs.tokens() + ") than the rank: not whitened");
        }
        Map<ExpertPart, Tensor> norms = new EnumMap<>(ExpertPart.class);
        if (forms.matrices().values().stream().anyMatch(matrix -> matrix.kept() > 0)) {
          norms.putAll(inputNorms(work, e, expert));
        }
        SequencedMap<ExpertPart, CompactMatrix> matrices = new LinkedHashMap<>();
        CompactExpert.matricesOf(expert)
            .forEach(
                (part, w) ->
                    matrices.put(
                        part, matrix(less(w, part, bases), forms.get(part), inputs, norms)));
        sink.expert(e, new CompactExpert(matrices, expert.biases()));
      }
    }
  }

  private Map<ExpertPart, Tensor> inputNorms(LayerWork work, int e, Expert expert) {
    Map<ExpertPart, Tensor> norms = new EnumMap<>(ExpertPart.class);
    ExpertInputs tokens = work.training(e);
    if (tokens.count() > 0) {
      Tensor seen = tokens.inputMoments(work.shape().hidden(), metric.gated()).norms();
      norms.put(ExpertPart.GATE, seen);
      norms.put(ExpertPart.UP, seen);
      norms.put(ExpertPart.DOWN, tokens.neuronMoments(expert, metric.gated()).norms());
    }
    return norms;
  }

  private static CompactMatrix matrix(
      Tensor weight, MatrixForm form, InputMetric.OfExpert inputs, Map<ExpertPart, Tensor> norms) {
    if (form.isWhole()) {
      return CompactMatrix.whole(form, weight);
    }
    SequencedMap<Piece, Tensor> pieces = new LinkedHashMap<>();
    if (form.rank() > 0) {
      pieces.putAll(Decomposition.of(weight, inputs.whitening(form)).factors(form));
    }
    if (form.kept() > 0) {
      Tensor rest =
          form.rank() > 0 ? weight.sub(pieces.get(Piece.U).matmul(pieces.get(Piece.V))) : weight;
      Tensor index = KeptNeurons.choose(rest, form, norms);
      pieces.put(Piece.KEPT, rest.indexSelect(form.neuronDimension(), index));
      pieces.put(Piece.INDEX, index.to(Dtype.I32));
    }
    return new CompactMatrix(form, pieces);
  }
}
