package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertForm;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.Router;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.repair.TokenMatrix;
import dev.smelt.routing.repair.TokenSplit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlimTest {
  private static final int HIDDEN = 5;
  private static final int WIDTH = 8;
  private static final int TOKENS = 20;

  /** tools/reference/slim_reference.py. */
  private static final double[] IMPORTANCE = {
    4.2933381029,
    0.5031646009,
    0.1929751730,
    0.0646855367,
    0.7913080243,
    0.2697203914,
    0.0228505399,
    0.1597281665
  };

  private static final double[] REFITTED = {
    -0.4818799035,
    -0.7116905211,
    0.8285165200,
    -0.9427710960,
    0.2072246770,
    -0.7269884349,
    0.3683491141,
    0.2918246438,
    0.1655080434,
    1.4164446054,
    0.4628411943,
    0.6276712561,
    -0.8013586501,
    1.0417131820,
    0.6033888569,
    0.9755465276,
    0.1917564189,
    -1.0314258045,
    1.0422202895,
    -0.3464253240,
    0.9156174605,
    -0.1489247415,
    -0.8971411931,
    0.8788499273,
    -0.7337960554
  };

  private static Tensor sines(int start, int rows, int columns) {
    double[] values = new double[rows * columns];
    Arrays.setAll(values, i -> Math.sin(0.7 * Math.pow(start + i, 1.3)));
    return Tensors.ofDoubles(values, rows, columns);
  }

  private static Expert expert() {
    return new Expert(
        sines(1, WIDTH, HIDDEN), sines(101, WIDTH, HIDDEN), sines(201, HIDDEN, WIDTH));
  }

  private static Moments moments(Expert expert) {
    Tensor gates = sines(501, TOKENS, 1).mul(0.4).add(0.5);
    Tensor weighted = expert.intermediate(sines(301, TOKENS, HIDDEN)).mul(gates);
    return new Moments(weighted.transpose(0, 1).matmul(weighted), TOKENS);
  }

  @Test
  void agreesWithNumPy() {
    try (var _ = Scope.open()) {
      Expert expert = expert();
      Moments moments = moments(expert);
      double[] importance = Slim.importance(expert, moments).toDoubles();
      assertClose(importance, IMPORTANCE, 1e-8);
      int[] kept = Slim.best(importance, 5);
      assertThat(kept).containsExactly(0, 1, 2, 4, 5);
      Tensor change = Slim.change(expert.down(), moments, kept, 1e-2);
      Tensor down = expert.down().indexSelect(1, Tensors.ofInts(kept)).add(change.to(Dtype.F64));
      assertClose(down.toDoubles(), REFITTED, 1e-5);
    }
  }

  private static void assertClose(double[] actual, double[] expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("element " + i).isEqualTo(expected[i], within(tolerance));
    }
  }

  @Test
  void ofEqualNeuronsTheFirstStay() {
    assertThat(Slim.best(new double[] {1, 3, 1, 3, 1}, 3)).containsExactly(0, 1, 3);
  }

  /** A layer of three experts with random weights and tokens. */
  private static LayerWork work(long seed, int tokens) {
    List<Expert> experts = new ArrayList<>();
    for (int e = 0; e < 3; e++) {
      experts.add(
          new Expert(
              random(seed + 10L * e, WIDTH, HIDDEN),
              random(seed + 10L * e + 1, WIDTH, HIDDEN),
              random(seed + 10L * e + 2, HIDDEN, WIDTH)));
    }
    Router router = new Router(random(seed + 5, 3, HIDDEN), 2, true);
    MoeBlock block = new MoeBlock(router, experts, Optional.empty());
    Tensor inputs = random(seed + 6, tokens, HIDDEN);
    TokenSplit split = TokenSplit.draw(List.of(tokens), 0);
    TokenMatrix matrix = new TokenMatrix(inputs, inputs, split);
    LayerShape shape =
        new LayerShape(
            4,
            HIDDEN,
            List.of((long) WIDTH, (long) WIDTH, (long) WIDTH),
            CompactForm.identity(3),
            ExpertForm.SWIGLU,
            false);
    return LayerWork.of(shape, experts::get, block, matrix);
  }

  private static Tensor random(long seed, int rows, int columns) {
    Random random = new Random(seed);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.ofFloats(values, rows, columns);
  }

  private static Compressor slim(String... options) {
    SequencedMap<String, String> given = new LinkedHashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return new Slim().configure(new GivenOptions(given));
  }

  /** Sum over the tokens to learn from of the squared error of the gated output of each expert. */
  private static double error(LayerWork work, Compressor slim) {
    CompactForm form = slim.plan(List.of(work.shape()), surveys(work, slim)).getFirst();
    double[] error = {0};
    slim.compress(
        work,
        form,
        new Compressor.Sink() {
          @Override
          public Tensor base(ExpertPart part, Tensor values) {
            throw new AssertionError("there is no base");
          }

          @Override
          public void remark(int e, String text) {
            assertThat(text).isNotEmpty();
          }

          @Override
          public void expert(int e, CompactExpert expert) {
            Expert narrow = expert.dense(ExpertForm.SWIGLU, Map.of());
            assertThat(narrow.up().size(0)).isEqualTo(form.experts().get(e).width());
            work.training(e)
                .forEach(
                    piece -> {
                      Tensor missing =
                          work.expert(e).apply(piece.inputs()).sub(narrow.apply(piece.inputs()));
                      error[0] += missing.mul(piece.gates()).square().sum().item();
                    });
          }
        });
    return error[0];
  }

  private static List<LayerSurvey> surveys(LayerWork work, Compressor slim) {
    return slim.surveys() ? List.of(slim.survey(work)) : List.of();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void theRefitNeverRaisesTheError(long seed) {
    for (int tokens : new int[] {6, 40, 300}) {
      try (var _ = Scope.open()) {
        LayerWork work = work(seed * 1000, tokens);
        double refitted = error(work, slim("width", "4"));
        double plain = error(work, slim("width", "4", "no-refit", "true"));
        assertThat(refitted).as(tokens + " tokens").isLessThanOrEqualTo(plain * (1 + 1e-5));
      }
    }
  }

  @Test
  void fullWidthChangesNothing() {
    try (var _ = Scope.open()) {
      LayerWork work = work(7, 50);
      assertThat(error(work, slim("parameter-ratio", "1"))).isZero();
      assertThat(error(work, slim("parameter-ratio", "1", "ragged", "true"))).isZero();
    }
  }

  @Test
  void raggedExpertsHaveTheSameNeuronsTogether() {
    try (var _ = Scope.open()) {
      LayerWork work = work(8, 200);
      Compressor ragged = slim("parameter-ratio", "0.5", "ragged", "true");
      List<LayerSurvey> surveys = List.of(ragged.survey(work));
      CompactForm form = ragged.plan(List.of(work.shape()), surveys).getFirst();
      List<Long> widths = form.experts().stream().map(e -> e.width()).toList();
      assertThat(widths.stream().mapToLong(w -> w).sum()).isEqualTo(12);
      assertThat(widths.stream().distinct().count()).isGreaterThan(1);
      double even = error(work, slim("parameter-ratio", "0.5", "no-refit", "true"));
      double best =
          error(work, slim("parameter-ratio", "0.5", "ragged", "true", "no-refit", "true"));
      assertThat(best).isLessThan(even);
    }
  }
}
