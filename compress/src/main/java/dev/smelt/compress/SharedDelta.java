package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A base that all experts of a layer share, and for each expert a low-rank difference to it (Gu et
 * al., "Delta Decompression for MoE-based LLMs Compression", ICML 2025).
 *
 * <p>Deliberate differences from the reference: the base is weighted by how often experts are
 * chosen, or not at all, and not by Fisher information; the base is stored whole and not pruned; an
 * expert with fewer tokens than the rank is cut off without whitening.
 */
final class SharedDelta implements CompressionMethod {
  private static final String BASE = "base";
  private static final String FREQUENCY = "frequency";

  @Override
  public String name() {
    return "shared-delta";
  }

  @Override
  public String summary() {
    return "a base that the experts of a layer share, and a low-rank difference for each";
  }

  @Override
  public List<MethodOption> options() {
    List<MethodOption> options = new ArrayList<>(RankChoice.OPTIONS);
    options.add(
        new MethodOption(
            BASE,
            "HOW",
            "How experts count in the base: frequency (how often they are chosen; needs --text) or"
                + " uniform. Default: frequency."));
    options.addAll(InputMetric.OPTIONS);
    return List.copyOf(options);
  }

  @Override
  public Compressor configure(GivenOptions given) {
    boolean counted = given.word(BASE, List.of(FREQUENCY, "uniform"), FREQUENCY).equals(FREQUENCY);
    return new Run(RankChoice.of(given), counted, new Factoring(InputMetric.of(given)));
  }

  private record Run(RankChoice ranks, boolean counted, Factoring factoring) implements Compressor {
    @Override
    public boolean needsTokens() {
      return counted || factoring.metric().needsTokens();
    }

    @Override
    public boolean surveys() {
      return ranks.needsValues();
    }

    @Override
    public LayerSurvey survey(LayerWork work) {
      try (var _ = Scope.open()) {
        return factoring.survey(work, bases(work));
      }
    }

    @Override
    public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
      layers.forEach(Run::requireAlike);
      double share = layers.stream().mapToDouble(l -> 1.0 / l.experts()).average().orElse(1);
      if (ranks.budget().kind() == RankBudget.Kind.RATIO && ranks.budget().value() <= share) {
        throw SmeltException.usage(
            "--parameter-ratio %s: the base alone is a share of %.3f"
                .formatted(ranks.budget().value(), share),
            "choose a larger share");
      }
      return ranks.less(share).plan(layers, surveys).stream()
          .map(form -> form.withBases(form.experts().getFirst().matrices().sequencedKeySet()))
          .toList();
    }

    private static void requireAlike(LayerShape layer) {
      if (layer.widths().stream().distinct().count() > 1) {
        throw SmeltException.unsupported(
            "layer " + layer.layer() + ": experts of different widths have no common base",
            "use low-rank");
      }
    }

    @Override
    public void compress(LayerWork work, CompactForm form, Sink sink) {
      try (var _ = Scope.open()) {
        Map<ExpertPart, Tensor> bases = bases(work);
        bases.replaceAll(sink::base);
        factoring.compress(work, form, bases, sink);
      }
    }

    /** The weighted mean of every matrix, F32. */
    private Map<ExpertPart, Tensor> bases(LayerWork work) {
      double[] shares = shares(work);
      Map<ExpertPart, Tensor> bases = new EnumMap<>(ExpertPart.class);
      LayerShape shape = work.shape();
      shape
          .whole()
          .experts()
          .getFirst()
          .matrices()
          .forEach(
              (part, form) ->
                  bases.put(part, Tensors.zeros(Dtype.F32, form.rows(), form.columns())));
      for (int e = 0; e < shape.experts(); e++) {
        double share = shares[e];
        try (var _ = Scope.open()) {
          Expert expert = work.expert(e);
          CompactExpert.matricesOf(expert)
              .forEach((part, w) -> bases.get(part).addInPlace(w, share));
        }
      }
      return bases;
    }

    private double[] shares(LayerWork work) {
      double[] shares = new double[work.shape().experts()];
      Arrays.fill(shares, 1.0 / shares.length);
      if (counted) {
        long[] counts = work.counts();
        double all = Arrays.stream(counts).sum();
        for (int e = 0; e < shares.length && all > 0; e++) {
          shares[e] = counts[e] / all;
        }
      }
      return shares;
    }
  }
}
