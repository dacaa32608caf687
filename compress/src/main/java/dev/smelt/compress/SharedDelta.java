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
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A base that all experts of a layer share, and for each expert a low-rank difference to it (Gu et
 * al., "Delta Decompression for MoE-based LLMs Compression", ICML 2025).
 *
 * <p>The base is a mean of the experts' weights: by how often experts are chosen, of all alike, or
 * elementwise by Fisher information, as in the paper; see {@link FisherBases}.
 *
 * <p>Deliberate differences from the reference: Fisher information alone is the weight, as in the
 * paper's formula, where the released code multiplies it with how often experts are chosen; the
 * base is stored whole and not pruned; an expert with fewer tokens than the rank is cut off without
 * whitening.
 */
final class SharedDelta implements CompressionMethod {
  private static final String BASE = "base";

  /** How experts count in the base. */
  private enum Base {
    FREQUENCY,
    UNIFORM,
    FISHER;

    private static Base of(GivenOptions given) {
      List<String> words = Stream.of(values()).map(Base::word).toList();
      String word = given.word(BASE, words, FREQUENCY.word());
      return values()[words.indexOf(word)];
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

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
            "How experts count in the base: frequency (how often they are chosen; needs --text),"
                + " uniform, or fisher (each weight by its squared gradients; needs --text and a"
                + " backward pass). Default: frequency."));
    options.addAll(InputMetric.OPTIONS);
    return List.copyOf(options);
  }

  @Override
  public Compressor configure(GivenOptions given) {
    return new Run(RankChoice.of(given), Base.of(given), new Factoring(InputMetric.of(given)));
  }

  private record Run(RankChoice ranks, Base base, Factoring factoring) implements Compressor {
    @Override
    public boolean needsTokens() {
      return base != Base.UNIFORM || factoring.metric().needsTokens();
    }

    @Override
    public boolean needsFisherBases() {
      return base == Base.FISHER;
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
    public void check(List<LayerShape> layers) {
      layers.forEach(Run::requireAlike);
      double share = share(layers);
      if (ranks.budget().kind() == RankBudget.Kind.RATIO && ranks.budget().value() <= share) {
        throw SmeltException.usage(
            "--parameter-ratio %s: the base alone is a share of %.3f"
                .formatted(ranks.budget().value(), share),
            "choose a larger share");
      }
    }

    /** What the base is of the parameters of all experts. */
    private static double share(List<LayerShape> layers) {
      return layers.stream().mapToDouble(l -> 1.0 / l.experts()).average().orElse(1);
    }

    @Override
    public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
      return ranks.less(share(layers)).plan(layers, surveys).stream()
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

    /** The base of every matrix, F32. */
    private Map<ExpertPart, Tensor> bases(LayerWork work) {
      return switch (base) {
        case FREQUENCY -> mean(work, Shares.of(work.counts()));
        case UNIFORM -> mean(work, Shares.uniform(work.shape().experts()));
        case FISHER -> work.fisherBases();
      };
    }

    private static Map<ExpertPart, Tensor> mean(LayerWork work, double[] shares) {
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
  }
}
