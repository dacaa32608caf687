package dev.smelt.compress;

import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactMatrix;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Low rank: every matrix of an expert becomes the product of two factors, by a singular value
 * decomposition that is cut off; whitened, so that the error of the output on calibration tokens is
 * the least (Wang et al., "SVD-LLM", ICLR 2025, section 3.1).
 *
 * <p>Deliberate differences from the reference: an expert has the moments of its own routed tokens;
 * the ridge is relative to the mean of the diagonal; triangular systems are solved, nothing is
 * inverted; an expert with fewer tokens than the rank is cut off without whitening.
 */
final class LowRank implements CompressionMethod {
  @Override
  public String name() {
    return "low-rank";
  }

  @Override
  public String summary() {
    return "every matrix is the product of two factors, by a truncated singular value"
        + " decomposition";
  }

  @Override
  public List<MethodOption> options() {
    List<MethodOption> options = new ArrayList<>(RankChoice.OPTIONS);
    options.addAll(InputMetric.OPTIONS);
    return List.copyOf(options);
  }

  @Override
  public Compressor configure(GivenOptions given) {
    return new Run(RankChoice.of(given), InputMetric.of(given));
  }

  private record Run(RankChoice ranks, InputMetric metric) implements Compressor {
    @Override
    public boolean needsTokens() {
      return metric.needsTokens();
    }

    @Override
    public boolean surveys() {
      return ranks.needsValues();
    }

    @Override
    public LayerSurvey survey(LayerWork work) {
      List<SequencedMap<ExpertPart, double[]>> values = new ArrayList<>();
      for (int e = 0; e < work.shape().experts(); e++) {
        try (var _ = Scope.open()) {
          Expert expert = work.expert(e);
          InputMetric.OfExpert inputs = metric.of(work, e, expert);
          SequencedMap<ExpertPart, double[]> own = new LinkedHashMap<>();
          CompactExpert.matricesOf(expert)
              .forEach(
                  (part, w) -> own.put(part, Decomposition.of(w, inputs.whitening(part)).values()));
          values.add(own);
        }
      }
      return new LayerSurvey(work.shape().layer(), values);
    }

    @Override
    public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
      return ranks.plan(layers, surveys);
    }

    @Override
    public void compress(LayerWork work, CompactForm form, Sink sink) {
      for (int e = 0; e < form.experts().size(); e++) {
        try (var _ = Scope.open()) {
          Expert expert = work.expert(e);
          InputMetric.OfExpert inputs = metric.of(work, e, expert);
          SequencedMap<ExpertPart, CompactMatrix> matrices = new LinkedHashMap<>();
          for (var matrix : CompactExpert.matricesOf(expert).entrySet()) {
            MatrixForm wanted = form.experts().get(e).get(matrix.getKey());
            if (wanted.isWhole()) {
              matrices.put(matrix.getKey(), CompactMatrix.whole(wanted, matrix.getValue()));
            } else {
              Optional<Whitening> whitening = inputs.whitening(wanted);
              Decomposition parts = Decomposition.of(matrix.getValue(), whitening);
              matrices.put(matrix.getKey(), new CompactMatrix(wanted, parts.factors(wanted)));
            }
          }
          if (form.experts().get(e).matrices().values().stream().anyMatch(inputs::isScarce)) {
            sink.remark(e, "fewer tokens (" + inputs.tokens() + ") than the rank: not whitened");
          }
          sink.expert(e, new CompactExpert(matrices, expert.biases()));
        }
      }
    }
  }
}
