package dev.smelt.compress;

import dev.smelt.model.compact.CompactForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
    return new Run(RankChoice.of(given), new Factoring(InputMetric.of(given)));
  }

  private record Run(RankChoice ranks, Factoring factoring) implements Compressor {
    @Override
    public boolean needsTokens() {
      return factoring.metric().needsTokens();
    }

    @Override
    public boolean surveys() {
      return ranks.needsValues();
    }

    @Override
    public LayerSurvey survey(LayerWork work) {
      return factoring.survey(work, Map.of());
    }

    @Override
    public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
      return ranks.plan(layers, surveys);
    }

    @Override
    public void compress(LayerWork work, CompactForm form, Sink sink) {
      factoring.compress(work, form, Map.of(), sink);
    }
  }
}
