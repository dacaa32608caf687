package dev.smelt.compress;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Masks the experts of a model, and writes the masks where {@link #writeTo} says.
 *
 * <p>Thresholds over several matrices are found in a survey before; 256 KiB for each layer.
 */
public final class MaskRun implements Compressor {
  private final MaskScore score;
  private final MaskPattern pattern;
  private final MaskScope scope;
  private final long seed;
  private final Optional<SafetensorsFile> given;
  private final Map<Integer, MaskThreshold> thresholds = new LinkedHashMap<>();
  private Optional<CheckpointWriter> output = Optional.empty();

  private MaskRun(
      MaskScore score,
      MaskPattern pattern,
      MaskScope scope,
      long seed,
      Optional<SafetensorsFile> given) {
    this.score = score;
    this.pattern = pattern;
    this.scope = scope;
    this.seed = seed;
    this.given = given;
  }

  static MaskRun score(MaskScore score, MaskPattern pattern, MaskScope scope, long seed) {
    return new MaskRun(score, pattern, scope, seed, Optional.empty());
  }

  static MaskRun apply(Path file) {
    var pattern = new MaskPattern(MaskPattern.Kind.UNSTRUCTURED, 0, 0, 0);
    return new MaskRun(
        MaskScore.MAGNITUDE, pattern, MaskScope.ROW, 0, Optional.of(MaskBits.open(file)));
  }

  /** The same with another seed of a random mask. */
  MaskRun withSeed(long other) {
    return new MaskRun(score, pattern, scope, other, given);
  }

  /** Whether the masks are drawn at random. */
  public boolean isRandom() {
    return score == MaskScore.RANDOM && given.isEmpty();
  }

  /**
   * Starts the directory of the masks; the caller commits and closes it.
   *
   * @param target the directory
   * @param layers forms of {@link #plan}
   * @param force whether an older one is replaced
   */
  public CheckpointWriter writeTo(Path target, List<CompactForm> layers, boolean force) {
    output = Optional.of(MaskBits.writer(target, layers, force));
    return output.get();
  }

  @Override
  public boolean needsTokens() {
    return score == MaskScore.WANDA;
  }

  @Override
  public boolean surveys() {
    return given.isEmpty()
        && pattern.isUnstructured()
        && scope != MaskScope.ROW
        && score != MaskScore.RANDOM;
  }

  @Override
  public LayerSurvey survey(LayerWork work) {
    double[] counts = new double[0];
    for (int e = 0; e < work.shape().experts(); e++) {
      try (var _ = Scope.open()) {
        for (Tensor scores : scores(work, e, work.expert(e)).values()) {
          double[] own = MaskThreshold.counts(scores);
          counts = counts.length == 0 ? own : sum(counts, own);
        }
      }
    }
    SequencedMap<ExpertPart, double[]> all = new LinkedHashMap<>();
    all.put(ExpertPart.UP, counts);
    return new LayerSurvey(work.shape().layer(), List.of(all));
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = new double[a.length];
    Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }

  @Override
  public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
    List<CompactForm> forms = layers.stream().map(LayerShape::whole).toList();
    given.ifPresent(file -> MaskBits.require(file, forms));
    double[] all = new double[0];
    for (LayerSurvey survey : surveys) {
      double[] own = survey.experts().getFirst().get(ExpertPart.UP);
      thresholds.put(survey.layer(), threshold(own));
      all = all.length == 0 ? own : sum(all, own);
    }
    if (scope == MaskScope.GLOBAL && !surveys.isEmpty()) {
      MaskThreshold global = threshold(all);
      thresholds.replaceAll((_, _) -> global);
    }
    return forms;
  }

  private MaskThreshold threshold(double[] counts) {
    double count = Arrays.stream(counts).sum();
    return MaskThreshold.keeping(counts, pattern.keptOf(Math.round(count)));
  }

  @Override
  public void compress(LayerWork work, CompactForm form, Sink sink) {
    for (int e = 0; e < form.experts().size(); e++) {
      try (var _ = Scope.open()) {
        Expert expert = work.expert(e);
        if (score == MaskScore.WANDA && work.training(e).count() == 0) {
          sink.remark(e, "no calibration token: masked by magnitude");
        }
        Map<ExpertPart, Tensor> masks = masks(work, e, expert);
        int layer = form.layer();
        int number = e;
        output.ifPresent(
            writer ->
                masks.forEach(
                    (part, mask) ->
                        MaskBits.write(writer, new MaskScore.Place(layer, number, part), mask)));
        sink.expert(e, CompactExpert.whole(masked(expert, masks)));
      }
    }
  }

  /** An expert without what is masked; biases stay. */
  static Expert masked(Expert expert, Map<ExpertPart, Tensor> masks) {
    return expert.map(
        (part, tensor) ->
            masks.containsKey(part) ? tensor.mul(masks.get(part).to(tensor.dtype())) : tensor);
  }

  /** The masks of an expert, F32, of the shapes of its matrices. */
  Map<ExpertPart, Tensor> masks(LayerWork work, int e, Expert expert) {
    Map<ExpertPart, Tensor> masks = new EnumMap<>(ExpertPart.class);
    if (given.isPresent()) {
      CompactExpert.matricesOf(expert)
          .forEach((part, w) -> masks.put(part, read(work.shape().layer(), e, part, w)));
      return masks;
    }
    Map<ExpertPart, Tensor> scores = scores(work, e, expert);
    switch (pattern.kind()) {
      case UNSTRUCTURED ->
          scores.forEach((part, s) -> masks.put(part, unstructured(work.shape().layer(), s)));
      case GROUPS ->
          scores.forEach(
              (part, s) ->
                  masks.put(
                      part,
                      pattern.groups(
                          s, MaskBits.name(new MaskScore.Place(work.shape().layer(), e, part)))));
      case NEURONS -> neurons(expert, scores, masks);
    }
    return masks;
  }

  private Tensor read(int layer, int e, ExpertPart part, Tensor w) {
    var place = new MaskScore.Place(layer, e, part);
    return MaskBits.read(given.orElseThrow(), place, w.size(0), w.size(1));
  }

  private Tensor unstructured(int layer, Tensor scores) {
    MaskThreshold threshold = thresholds.get(layer);
    return threshold == null ? pattern.rows(scores) : threshold.apply(scores);
  }

  /**
   * A neuron is worth the sum of the squared scores of its weights, each matrix relative to all.
   */
  private void neurons(
      Expert expert, Map<ExpertPart, Tensor> scores, Map<ExpertPart, Tensor> masks) {
    List<Tensor> worths = new ArrayList<>();
    scores.forEach(
        (part, s) -> {
          Tensor own = s.square().sum(part.neuronDimension().orElseThrow() == 0 ? 1 : 0);
          worths.add(own.mul(1 / Math.max(own.sum().item(), Double.MIN_NORMAL)));
        });
    Tensor worth = worths.stream().reduce(Tensor::add).orElseThrow();
    Tensor kept = pattern.rows(worth.reshape(1, -1)).reshape(-1);
    CompactExpert.matricesOf(expert)
        .forEach(
            (part, w) -> {
              int dimension = part.neuronDimension().orElseThrow();
              Tensor along = dimension == 0 ? kept.reshape(-1, 1) : kept.reshape(1, -1);
              masks.put(part, Tensors.full(1, kept.dtype(), w.shape()).mul(along));
            });
  }

  private SequencedMap<ExpertPart, Tensor> scores(LayerWork work, int e, Expert expert) {
    SequencedMap<ExpertPart, Tensor> scores = new LinkedHashMap<>();
    Optional<Tensor> inputs = Optional.empty();
    Optional<Tensor> neurons = Optional.empty();
    if (score == MaskScore.WANDA && work.training(e).count() > 0) {
      ExpertInputs tokens = work.training(e);
      inputs = Optional.of(tokens.inputMoments(work.shape().hidden(), false).norms());
      neurons = Optional.of(tokens.neuronMoments(expert, false).norms());
    }
    for (var matrix : CompactExpert.matricesOf(expert).entrySet()) {
      ExpertPart part = matrix.getKey();
      var place = new MaskScore.Place(work.shape().layer(), e, part);
      Optional<Tensor> norms = part == ExpertPart.DOWN ? neurons : inputs;
      scores.put(part, score.of(place, matrix.getValue(), norms, seed));
    }
    return scores;
  }
}
