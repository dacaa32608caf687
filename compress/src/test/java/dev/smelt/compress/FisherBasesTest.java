package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The mean of experts by Fisher information. */
class FisherBasesTest {
  private static Tensor row(double... values) {
    return Tensors.ofDoubles(values, 1, values.length).to(Dtype.F32);
  }

  private static double[] base(List<Tensor> information, List<Tensor> weights, double... shares) {
    FisherMean mean = FisherMean.of(7, information);
    for (int e = 0; e < shares.length; e++) {
      mean.add(e, weights.get(e), shares[e]);
    }
    return mean.sum().to(Dtype.F32).toDoubles();
  }

  @Test
  void everyElementIsWeightedWithItsOwnInformation() {
    try (var _ = Scope.open()) {
      List<Tensor> weights = List.of(row(1, 2, 3, 4), row(5, 6, 7, 8), row(100, 200, 300, 400));
      // The third expert is not used. Of the third element nobody has a gradient; those of the
      // fourth are so small that their products with weights would lose digits in F32.
      List<Tensor> information = List.of(row(1, 0, 0, 3e-38), row(3, 2, 0, 1e-38), row(0, 0, 0, 0));
      double[] base = base(information, weights, 0.75, 0.25, 0);
      assertThat(base).containsExactly(new double[] {4, 6, 4, 5}, within(1e-5));
    }
  }

  @Test
  void withoutAnyGradientItIsTheMeanByFrequency() {
    try (var _ = Scope.open()) {
      List<Tensor> weights = List.of(row(1, 2), row(5, 10));
      List<Tensor> none = List.of(row(0, 0), row(0, 0));
      assertThat(base(none, weights, Shares.of(3, 1))).containsExactly(2, 4);
      assertThat(base(none, weights, Shares.of(0, 0))).containsExactly(3, 6);
    }
  }

  @Test
  void gradientsThatAreNotFiniteAreAnError() {
    try (var _ = Scope.open()) {
      for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        List<Tensor> information = List.of(row(1, 1), row(1, wrong));
        assertThatThrownBy(() -> base(information, information, 0.5, 0.5))
            .isInstanceOfSatisfying(
                SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
            .hasMessageContaining("layer 7");
      }
    }
  }

  private static List<int[]> sequences(int count, int length) {
    SplittableRandom random = new SplittableRandom(2);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(random.ints(length, 0, 96).toArray());
    }
    return all;
  }

  /** Few tokens, so that some experts of qwen3_moe see none. */
  @Test
  void basesOfAModelAreThoseOfItsSquaredGradients() {
    List<int[]> sequences = sequences(2, 3);
    long before = Torch.liveObjects();
    try (MoeModel model = MoeModel.open(Resources.path("golden/qwen3_moe"))) {
      BackwardPass pass = new BackwardPass(model, Dtype.F32, sequences, 64, 0);
      try (FisherBases bases = FisherBases.compute(pass, _ -> {})) {
        int[] unused = {0};
        pass.run(
            (moe, squares) -> {
              for (long count : squares.counts()) {
                unused[0] += count == 0 ? 1 : 0;
              }
              for (ExpertPart part : squares.experts().getFirst().keySet()) {
                double[] expected = formula(model, moe, squares, part);
                assertThat(bases.of(moe.layer()).get(part).toDoubles())
                    .as(moe.layer() + " " + part)
                    .containsExactly(expected, within(1e-6));
              }
            },
            _ -> {});
        assertThat(unused[0]).isPositive();
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  /** The formula, number by number. */
  private static double[] formula(
      MoeModel model, MoeLayer moe, SquaredGradients squares, ExpertPart part) {
    List<double[]> weights = new ArrayList<>();
    List<double[]> information = new ArrayList<>();
    try (var _ = Scope.open()) {
      for (int e = 0; e < squares.experts().size(); e++) {
        Weights wide = new Weights(model.checkpoint(), Dtype.F64);
        weights.add(moe.experts().load(wide, e).parts().get(part).toDoubles());
        information.add(squares.experts().get(e).get(part).toDoubles());
      }
    }
    double[] base = new double[weights.getFirst().length];
    for (int i = 0; i < base.length; i++) {
      double sum = 0;
      double all = 0;
      double frequent = 0;
      double tokens = 0;
      for (int e = 0; e < weights.size(); e++) {
        sum += information.get(e)[i] * weights.get(e)[i];
        all += information.get(e)[i];
        frequent += squares.counts()[e] * weights.get(e)[i];
        tokens += squares.counts()[e];
      }
      base[i] = all > 0 ? sum / all : frequent / tokens;
    }
    return base;
  }

  /** Sequences that are held out to judge errors have no part in the bases. */
  @Test
  void onlyTokensToLearnFromCount() {
    List<int[]> sequences = sequences(8, 9);
    try (MoeModel model = MoeModel.open(Resources.path("golden/mixtral"))) {
      double[] found = first(model, sequences);
      int without = 0;
      for (int held = 0; held < sequences.size(); held++) {
        List<int[]> changed = new ArrayList<>(sequences);
        changed.set(held, sequences(9, 9).getLast());
        boolean same = java.util.Arrays.equals(first(model, changed), found);
        without += same ? 1 : 0;
      }
      assertThat(without).isEqualTo(1);
    }
  }

  private static double[] first(MoeModel model, List<int[]> sequences) {
    List<TokenBatch> batches = TokenBatch.split(sequences, 32);
    try (var _ = Scope.open();
        FisherBases bases = FisherBases.measure(model, Dtype.F32, batches, 3, _ -> {})) {
      Map<ExpertPart, Tensor> layer = bases.of(0);
      return layer.get(ExpertPart.UP).toDoubles();
    }
  }

  @Test
  void oneTokenIsTooLittle() {
    try (MoeModel model = MoeModel.open(Resources.path("golden/mixtral"))) {
      List<TokenBatch> batches = TokenBatch.split(sequences(1, 2), 32);
      assertThatThrownBy(() -> FisherBases.measure(model, Dtype.F32, batches, 3, _ -> {}))
          .isInstanceOf(SmeltException.class)
          .hasMessageContaining("two tokens to learn from");
    }
  }
}
