package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import dev.smelt.model.compact.CompactForm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Low rank and structured sparse: W = U V + S, where S has whole neurons (Li et al., "Merge, Then
 * Compress", ICLR 2024, section 3.2; Li et al., "LoSparse", ICML 2023). Rows of gate and up are
 * neurons, and columns of down.
 *
 * <p>Deliberate differences from the reference: neurons are chosen at once by {@code |S| ||x||}
 * from calibration tokens, not by gradients during training; each matrix keeps the same share,
 * where the reference has one threshold for all; neurons of down are its columns, where the
 * reference drops outputs of the layer; the kept neurons are stored as such, never as dense zeros;
 * factors can be whitened.
 */
final class LowRankSparse implements CompressionMethod {
  private static final String KEEP = "keep";
  private static final String RATIO = "parameter-ratio";
  private static final double DEFAULT_KEEP = 0.1;

  @Override
  public String name() {
    return "low-rank-sparse";
  }

  @Override
  public String summary() {
    return "two factors, and beside them the most important neurons of what they leave over";
  }

  @Override
  public List<MethodOption> options() {
    List<MethodOption> options = new ArrayList<>(RankChoice.OPTIONS);
    options.add(
        new MethodOption(
            KEEP,
            "S",
            "Share of the neurons that are kept beside the factors; part of --parameter-ratio."
                + " Default: "
                + DEFAULT_KEEP
                + "."));
    options.addAll(InputMetric.OPTIONS);
    return List.copyOf(options);
  }

  @Override
  public Compressor configure(GivenOptions given) {
    double keep = given.share(KEEP).orElse(DEFAULT_KEEP);
    RankChoice ranks = RankChoice.of(given);
    if (given.has(RATIO) && ranks.budget().value() <= keep) {
      throw SmeltException.usage(
          "--%s %s leaves nothing for factors beside --%s %s"
              .formatted(RATIO, ranks.budget().value(), KEEP, keep),
          "choose a smaller --" + KEEP);
    }
    return new Run(ranks.less(keep), keep, new Factoring(InputMetric.of(given)));
  }

  private record Run(RankChoice ranks, double keep, Factoring factoring) implements Compressor {
    @Override
    public boolean needsTokens() {
      return true;
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
      return ranks.plan(layers, surveys).stream().map(form -> form.keeping(keep)).toList();
    }

    @Override
    public void compress(LayerWork work, CompactForm form, Sink sink) {
      factoring.compress(work, form, Map.of(), sink);
    }
  }
}
