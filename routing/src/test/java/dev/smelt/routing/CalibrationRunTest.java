package dev.smelt.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Resources;
import dev.smelt.model.Routing;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statistics against sums over tokens that are computed one by one, all experts on all tokens. */
class CalibrationRunTest {
  @TempDir private Path temporary;

  private static List<int[]> tokens() {
    SplittableRandom random = new SplittableRandom(3);
    List<int[]> all = new ArrayList<>();
    for (int length : new int[] {30, 17, 30, 5, 2}) {
      all.add(random.ints(length, 0, 96).toArray());
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen2_moe", "qwen3_moe", "olmoe"})
  void sumsAgreeWithEachTokenOnItsOwn(String name) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      List<LayerStatistics> layers = run(model, 64);
      assertThat(layers).hasSameSizeAs(model.moeLayers());
      for (LayerStatistics layer : layers) {
        assertThat(layer.tokens()).isEqualTo(84);
        assertSums(layer, expected(model, layer.layer()));
      }
    }
  }

  private static void assertSums(LayerStatistics found, LayerStatistics expected) {
    assertThat(found.routed()).isEqualTo(expected.routed());
    assertThat(found.coactivation()).isEqualTo(expected.coactivation());
    assertClose(found.gateSum(), expected.gateSum());
    assertClose(found.normSum(), expected.normSum());
    assertClose(found.gatedNormSum(), expected.gatedNormSum());
    assertClose(found.gatedNormSquareSum(), expected.gatedNormSquareSum());
    assertClose(found.logitGram(), expected.logitGram());
    assertClose(found.logitGramCentred(), expected.logitGramCentred());
    assertClose(doubles(found.maxActivation()), doubles(expected.maxActivation()));
    assertClose(doubles(found.meanGatedOutput()), doubles(expected.meanGatedOutput()));
  }

  private static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }

  private static void assertClose(double[] found, double[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    double scale = Arrays.stream(expected).map(Math::abs).max().orElse(1) + 1e-12;
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i] / scale).isCloseTo(expected[i] / scale, within(1e-5));
    }
  }

  /** Sums over single tokens: each expert runs on each token, and gates weigh it. */
  private static LayerStatistics expected(MoeModel model, int layer) {
    Reference reference;
    try (var states =
            HiddenStates.embed(
                model, tokens().stream().map(t -> new TokenBatch(List.of(t))).toList(), Dtype.F32);
        var _ = Scope.open()) {
      for (int l = 0; l < layer; l++) {
        states.advance(model.layer(l, Dtype.F32), MoeObserver.NONE);
      }
      DecoderLayer decoder = model.layer(layer, Dtype.F32);
      MoeBlock block = ((FeedForward.Sparse) decoder.feedForward()).block();
      reference = new Reference(block.experts().size(), model.architecture().hidden());
      for (int i = 0; i < states.size(); i++) {
        Tensor inputs = decoder.blockInput(decoder.attend(states.state(i)));
        reference.add(block, states.batch(i).rows(inputs));
      }
    }
    return reference.statistics(layer);
  }

  /** Plain sums. */
  private static final class Reference {
    private final int experts;
    private final int hidden;
    private final double[][] sums;
    private final long[] together;
    private final double[] gram;
    private final double[] centred;
    private final float[] largest;
    private final double[] outputs;
    private long tokens;

    Reference(int experts, int hidden) {
      this.experts = experts;
      this.hidden = hidden;
      sums = new double[5][experts];
      together = new long[experts * experts];
      gram = new double[experts * experts];
      centred = new double[experts * experts];
      largest = new float[experts];
      outputs = new double[experts * hidden];
    }

    void add(MoeBlock block, Tensor inputs) {
      for (int t = 0; t < inputs.size(0); t++) {
        Tensor input = inputs.narrow(0, t, 1);
        Routing routing = block.router().route(input);
        long[] chosen = routing.experts().toLongs();
        float[] gates = routing.gates().toFloats();
        addLogits(routing.logits().toDoubles());
        for (int i = 0; i < chosen.length; i++) {
          add((int) chosen[i], gates[i], block.experts().get((int) chosen[i]).apply(input));
          for (long other : chosen) {
            together[(int) (chosen[i] * experts + other)]++;
          }
        }
        tokens++;
      }
    }

    private void addLogits(double[] logits) {
      double mean = Arrays.stream(logits).average().orElse(0);
      for (int i = 0; i < experts; i++) {
        for (int j = 0; j < experts; j++) {
          gram[i * experts + j] += logits[i] * logits[j];
          centred[i * experts + j] += (logits[i] - mean) * (logits[j] - mean);
        }
      }
    }

    private void add(int expert, double gate, Tensor output) {
      double norm = output.norm().item();
      float[] values = output.toFloats();
      sums[0][expert]++;
      sums[1][expert] += gate;
      sums[2][expert] += gate * norm;
      sums[3][expert] += norm;
      sums[4][expert] += gate * norm * gate * norm;
      for (int h = 0; h < hidden; h++) {
        largest[expert] = Math.max(largest[expert], Math.abs(values[h]));
        outputs[expert * hidden + h] += gate * values[h];
      }
    }

    LayerStatistics statistics(int layer) {
      long[] routed = Arrays.stream(sums[0]).mapToLong(count -> (long) count).toArray();
      float[] means = new float[outputs.length];
      for (int i = 0; i < means.length; i++) {
        long count = routed[i / hidden];
        means[i] = count == 0 ? 0 : (float) (outputs[i] / count);
      }
      return new LayerStatistics(
          layer,
          experts,
          tokens,
          routed,
          sums[1],
          sums[2],
          sums[3],
          sums[4],
          largest,
          means,
          together,
          gram,
          centred,
          java.util.Optional.empty(),
          LayerStatistics.empty(layer, experts).sample());
    }
  }

  private static List<LayerStatistics> run(MoeModel model, int batchTokens) {
    return new CalibrationRun(model, Dtype.F32, batchTokens, 20, 1).run(tokens(), layer -> {});
  }

  @Test
  void transitionsCountPairsOfChoicesInConsecutiveLayers() {
    try (var model = MoeModel.open(Resources.path("golden/mixtral"))) {
      List<LayerStatistics> layers = run(model, 64);
      assertThat(layers.getFirst().transitions()).isEmpty();
      long[] counts = layers.get(1).transitions().orElseThrow();
      assertThat(Arrays.stream(counts).sum()).isEqualTo(84 * 2 * 2);
      for (int before = 0; before < 8; before++) {
        long row = Arrays.stream(counts, before * 8, before * 8 + 8).sum();
        assertThat(row).isEqualTo(2 * layers.getFirst().routed()[before]);
      }
    }
  }

  @Test
  void theSameTokensAreSampledWhateverTheBatches() {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      var small = run(model, 32).getLast().sample();
      var large = run(model, 4096).getLast().sample();
      assertThat(small.experts()).isEqualTo(large.experts()).hasSize(20 * 3);
      assertThat(small.inputs()).hasSize(20 * 32 * 4);
    }
  }

  @Test
  void aFileGivesBackWhatWasWritten() {
    long before = Torch.liveObjects();
    try (var model = MoeModel.open(Resources.path("golden/qwen3_moe"))) {
      Origin origin =
          new Origin("0", model.checkpoint().fingerprint(), "d", 1, 5, 84, "F32", 32, 3);
      var written = new RoutingStatistics(origin, run(model, 64));
      Path file = temporary.resolve("statistics.safetensors");
      StatisticsFile.write(file, written);
      RoutingStatistics read = StatisticsFile.read(file);
      assertThat(read).usingRecursiveComparison().isEqualTo(written);
      read.requireMatch(model, "file");
      try (var other = MoeModel.open(Resources.path("golden/olmoe"))) {
        assertThatThrownBy(() -> read.requireMatch(other, "file"))
            .hasMessageContaining("gathered on model");
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }
}
