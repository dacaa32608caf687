package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;

/**
 * Slimming: every expert keeps its most important neurons, and its down projection is refitted to
 * answer for those that are gone.
 *
 * <p>The importance of neuron k is {@code sum_t (g_t z_tk)^2 * ||w_dk||^2}, the energy that it adds
 * to the residual stream on calibration tokens (CAMERA-P, AAAI 2026, with its maximum term left
 * out; HEAPr, ICLR 2026, section 3, with the identity in place of the Fisher matrix). The refit is
 * the least squares optimum for the neurons that are left (attribution-guided pruning, ICML 2026),
 * with gate values in the moments: {@code D' = D_S + D_R C_RS (C_SS + ridge I)^-1}, C the sum of
 * g^2 z z^T, S what is kept and R what is removed.
 *
 * <p>Deliberate differences: by default all experts keep the same number of neurons, which is what
 * stock configs can say; the ridge pulls towards the original columns and not towards zero, so that
 * nothing changes where nothing is removed, and the error on the calibration tokens never rises; an
 * expert without tokens ranks its neurons by the norms of their weights.
 */
final class Slim implements CompressionMethod {
  private static final String WIDTH = "width";
  private static final String MULTIPLE = "multiple";
  private static final String RAGGED = "ragged";
  private static final String NO_REFIT = "no-refit";
  private static final String RIDGE = "refit-ridge";
  private static final double DEFAULT_RIDGE = 1e-2;

  /** A ragged expert keeps at least this part of its neurons. */
  private static final int LEAST_PART = 16;

  @Override
  public String name() {
    return "slim";
  }

  @Override
  public String summary() {
    return "every expert keeps its most important neurons, and its down projection is refitted";
  }

  @Override
  public List<MethodOption> options() {
    return List.of(
        new MethodOption(WIDTH, "W", "slim: neurons that every expert keeps."),
        RankBudget.RATIO_OPTION,
        new MethodOption(
            MULTIPLE,
            "N",
            "slim: round the width down to a multiple of N; kernels like 64 or 128. Default: 1."),
        MethodOption.flag(
            RAGGED,
            "slim: experts keep as many neurons together, but the most important of the whole"
                + " model."),
        MethodOption.flag(NO_REFIT, "slim: leave the down projections as they are."),
        new MethodOption(
            RIDGE,
            "X",
            "slim: what is added to the diagonal of the moments for the refit, relative to its"
                + " mean. Default: "
                + DEFAULT_RIDGE
                + "."));
  }

  @Override
  public Compressor configure(GivenOptions given) {
    String name =
        given
            .onlyOf(List.of(WIDTH, RankBudget.RATIO_OPTION.name()))
            .orElseThrow(
                () ->
                    SmeltException.usage(
                        "slim needs a width",
                        "give --parameter-ratio 0.5 for half of the neurons, or --width W"));
    if (given.has(RIDGE) && given.has(NO_REFIT)) {
      throw SmeltException.usage("--refit-ridge is for the refit", "leave out --no-refit");
    }
    double ridge =
        given
            .number(RIDGE, v -> v > 0 && v <= 1, "a number above 0 and at most 1")
            .orElse(DEFAULT_RIDGE);
    Target target =
        new Target(
            name.equals(WIDTH) ? given.integer(WIDTH, 1) : Optional.empty(),
            given.share(RankBudget.RATIO_OPTION.name()).orElse(1.0),
            given.integer(MULTIPLE, 1).orElse(1));
    return new Run(
        target, given.has(RAGGED), given.has(NO_REFIT) ? Optional.empty() : Optional.of(ridge));
  }

  /**
   * How many neurons an expert keeps on average.
   *
   * @param width the number itself
   * @param ratio else this part of them
   * @param multiple rounded down to one of this
   */
  private record Target(Optional<Integer> width, double ratio, int multiple) {
    private long of(long before) {
      long wanted = width.map(w -> (long) w).orElse((long) Math.floor(ratio * before));
      if (wanted > before) {
        throw SmeltException.usage(
            "--width %d: the experts have %d neurons".formatted(wanted, before),
            "give a smaller width");
      }
      long rounded = wanted == before ? before : wanted / multiple * multiple;
      if (rounded < 1) {
        throw SmeltException.usage(
            "of %d neurons of an expert none would be left".formatted(before),
            "give a larger width or ratio, or a smaller --multiple");
      }
      return rounded;
    }
  }

  private record Run(Target target, boolean ragged, Optional<Double> ridge) implements Compressor {
    @Override
    public boolean needsTokens() {
      return true;
    }

    @Override
    public boolean surveys() {
      return ragged;
    }

    @Override
    public LayerSurvey survey(LayerWork work) {
      List<SequencedMap<ExpertPart, double[]>> all = new ArrayList<>();
      for (int e = 0; e < work.shape().experts(); e++) {
        try (var _ = Scope.open()) {
          Expert expert = work.expert(e);
          SequencedMap<ExpertPart, double[]> own = new LinkedHashMap<>();
          own.put(ExpertPart.DOWN, importance(expert, moments(work, e, expert)).toDoubles());
          all.add(own);
        }
      }
      return new LayerSurvey(work.shape().layer(), all);
    }

    @Override
    public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
      List<CompactForm> forms = new ArrayList<>();
      List<List<Long>> widths =
          ragged
              ? Ragged.widths(layers, surveys, target::of)
              : layers.stream()
                  .map(layer -> layer.widths().stream().map(target::of).toList())
                  .toList();
      for (int l = 0; l < layers.size(); l++) {
        LayerShape layer = layers.get(l);
        forms.add(
            new LayerShape(
                    layer.layer(),
                    layer.hidden(),
                    widths.get(l),
                    layer.map(),
                    layer.expert(),
                    layer.biased())
                .whole());
      }
      return List.copyOf(forms);
    }

    @Override
    public void compress(LayerWork work, CompactForm form, Sink sink) {
      for (int e = 0; e < form.experts().size(); e++) {
        try (var _ = Scope.open()) {
          Expert expert = work.expert(e);
          long width = form.experts().get(e).width();
          if (width == expert.down().size(1)) {
            sink.expert(e, CompactExpert.whole(expert));
          } else {
            Moments moments = moments(work, e, expert);
            remark(sink, e, moments.tokens(), width);
            int[] kept = best(importance(expert, moments).toDoubles(), width);
            sink.expert(e, CompactExpert.whole(slimmed(expert, moments, kept)));
          }
        }
      }
    }

    private static void remark(Sink sink, int e, int tokens, long width) {
      if (tokens == 0) {
        sink.remark(e, "no calibration token: ranked by its weights, not refitted");
      } else if (tokens < width) {
        sink.remark(e, "fewer tokens (" + tokens + ") than neurons: a stronger ridge");
      }
    }

    private Expert slimmed(Expert expert, Moments moments, int[] kept) {
      Tensor index = Tensors.ofInts(kept);
      Expert narrow =
          expert.map(
              (part, tensor) ->
                  part.neuronDimension().isPresent()
                      ? tensor.indexSelect(part.neuronDimension().getAsInt(), index)
                      : tensor);
      if (ridge.isEmpty() || moments.tokens() == 0) {
        return narrow;
      }
      Tensor down = narrow.down().add(change(expert.down(), moments, kept, ridge.get()));
      return narrow.map((part, tensor) -> part == ExpertPart.DOWN ? down : tensor);
    }
  }

  private static Moments moments(LayerWork work, int e, Expert expert) {
    return work.training(e).neuronMoments(expert, true);
  }

  /** The energy that each neuron adds to the output, F64, [I]. */
  static Tensor importance(Expert expert, Moments moments) {
    Tensor down = expert.down().to(Dtype.F64).square().sum(0);
    if (moments.tokens() > 0) {
      return moments.gram().diagonal().to(Dtype.F64).mul(down);
    }
    Tensor up = expert.up().to(Dtype.F64).square().sum(-1);
    Tensor gate = expert.gate().to(Dtype.F64).square().sum(-1);
    return up.mul(gate).mul(down);
  }

  /** The neurons with the largest importance, ascending; of equals the first. */
  static int[] best(double[] importance, long count) {
    return IntStream.range(0, importance.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer k) -> -importance[k]))
        .limit(count)
        .sorted()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** What the kept columns of a down projection take over from the others, F32, [H, kept]. */
  static Tensor change(Tensor down, Moments moments, int[] kept, double ridge) {
    long neurons = down.size(1);
    int[] removed =
        IntStream.range(0, (int) neurons).filter(k -> Arrays.binarySearch(kept, k) < 0).toArray();
    Tensor keptIndex = Tensors.ofInts(kept);
    Tensor removedIndex = Tensors.ofInts(removed);
    Tensor rows = moments.gram().to(Dtype.F64).indexSelect(0, keptIndex);
    Tensor own = rows.indexSelect(1, keptIndex);
    Tensor others = rows.indexSelect(1, removedIndex);
    double strength = ridge * Math.max(1, (double) kept.length / moments.tokens());
    double mean = own.diagonal().mean().item();
    Tensor wanted = others.matmul(down.to(Dtype.F64).indexSelect(1, removedIndex).transpose(0, 1));
    Tensor identity = Tensors.oneHot(Tensors.range(kept.length, Dtype.I64), kept.length);
    Tensor system = own.addScaled(identity.to(Dtype.F64), strength * mean + Double.MIN_NORMAL);
    return Linalg.tryCholesky(system)
        .map(lower -> Linalg.choleskySolve(lower, wanted).transpose(0, 1).to(Dtype.F32))
        .orElseGet(() -> Tensors.zeros(Dtype.F32, down.size(0), kept.length));
  }

  /** Widths of the experts of all layers that together are as large as equal ones. */
  private static final class Ragged {
    private Ragged() {}

    /** A neuron. */
    private record Neuron(int layer, int expert, double importance) {}

    /** Takes neurons by their share of the energy of their layer, from all experts of the model. */
    private static List<List<Long>> widths(
        List<LayerShape> layers, List<LayerSurvey> surveys, LongUnaryOperator target) {
      List<List<Long>> widths = new ArrayList<>();
      List<Neuron> rest = new ArrayList<>();
      long budget = 0;
      for (int l = 0; l < layers.size(); l++) {
        LayerSurvey survey = surveys.get(l);
        double energy =
            survey.experts().stream()
                .flatMapToDouble(own -> Arrays.stream(own.get(ExpertPart.DOWN)))
                .sum();
        List<Long> own = new ArrayList<>();
        for (int e = 0; e < layers.get(l).experts(); e++) {
          long before = layers.get(l).widths().get(e);
          long least = Math.max(1, before / LEAST_PART);
          budget += target.applyAsLong(before) - least;
          own.add(least);
          double[] sorted = survey.experts().get(e).get(ExpertPart.DOWN).clone();
          Arrays.sort(sorted);
          for (int k = 0; k < before - least; k++) {
            rest.add(new Neuron(l, e, sorted[k] / Math.max(energy, Double.MIN_NORMAL)));
          }
        }
        widths.add(own);
      }
      rest.sort(Comparator.comparingDouble((Neuron n) -> -n.importance()));
      rest.subList(0, Math.clamp(budget, 0, rest.size()))
          .forEach(
              n ->
                  widths.get(n.layer()).set(n.expert(), widths.get(n.layer()).get(n.expert()) + 1));
      return widths.stream().map(Collections::unmodifiableList).toList();
    }
  }
}
