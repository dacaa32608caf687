package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.FeedForward;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Squared gradients that are found layer by layer, against other ways to find them. */
class BackwardPassTest {
  private static final List<int[]> SEQUENCES = sequences();

  /** Of different lengths, so that batches are padded. */
  private static List<int[]> sequences() {
    SplittableRandom random = new SplittableRandom(11);
    List<int[]> all = new ArrayList<>();
    for (int length : List.of(12, 7, 15, 2, 12)) {
      all.add(random.ints(length, 0, 96).toArray());
    }
    return all;
  }

  private static MoeModel open(String golden) {
    return MoeModel.open(Resources.path("golden/" + golden));
  }

  /** The squares of all matrices by layer, expert and part, and the counts by layer and expert. */
  private static Map<String, double[]> streamed(MoeModel model, Dtype compute, long memoryLimit) {
    Map<String, double[]> found = new TreeMap<>();
    List<Integer> order = new ArrayList<>();
    List<Integer> progress = new ArrayList<>();
    new BackwardPass(model, compute, SEQUENCES, 32, memoryLimit)
        .run(
            (moe, squares) -> {
              order.addFirst(moe.layer());
              for (int e = 0; e < squares.experts().size(); e++) {
                String expert = "%d.%d.".formatted(moe.layer(), e);
                squares
                    .experts()
                    .get(e)
                    .forEach((part, square) -> found.put(expert + part, square.toDoubles()));
                found.put(expert + "COUNT", new double[] {squares.counts()[e]});
              }
            },
            progress::add);
    assertThat(order).isEqualTo(model.moeLayers().stream().map(moe -> moe.layer()).toList());
    assertThat(progress).hasSize(BackwardPass.steps(model));
    return found;
  }

  /** The same by one graph over all layers at once. */
  private static Map<String, double[]> atOnce(MoeModel model, Dtype compute) {
    Map<String, double[]> found = new TreeMap<>();
    try (var _ = Scope.open()) {
      Map<String, Tensor> parameters = new TreeMap<>();
      List<DecoderLayer> layers = new ArrayList<>();
      for (int l = 0; l < model.architecture().layers(); l++) {
        layers.add(withParameters(model.layer(l, compute), parameters));
      }
      LanguageHead head = model.head(compute);
      for (int[] sequence : SEQUENCES) {
        List<Tensor> leaves = List.copyOf(parameters.values());
        List<Tensor> gradients;
        try (var recording = Autograd.record()) {
          gradients = recording.gradients(loss(model, layers, head, compute, sequence), leaves);
        }
        int next = 0;
        for (String name : parameters.keySet()) {
          double[] own = gradients.get(next++).toDoubles();
          Arrays.setAll(own, i -> own[i] * own[i] / SEQUENCES.size());
          found.merge(name, own, BackwardPassTest::sum);
        }
      }
    }
    return found;
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = a.clone();
    Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }

  private static DecoderLayer withParameters(DecoderLayer layer, Map<String, Tensor> parameters) {
    if (!(layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block))) {
      return layer;
    }
    var experts = new ArrayList<>(block.experts());
    for (int e = 0; e < experts.size(); e++) {
      String expert = "%d.%d.".formatted(layer.index(), e);
      experts.set(
          e,
          experts
              .get(e)
              .map(
                  (part, values) -> {
                    Tensor leaf = values.copy();
                    if (!part.isBias()) {
                      Autograd.require(leaf);
                      parameters.put(expert + part, leaf);
                    }
                    return leaf;
                  }));
    }
    return layer.with(new FeedForward.Sparse(block.with(block.router(), experts)));
  }

  private static Tensor loss(
      MoeModel model, List<DecoderLayer> layers, LanguageHead head, Dtype compute, int... tokens) {
    TokenBatch batch = new TokenBatch(List.of(tokens));
    Tensor hidden = model.embed(batch.ids(), compute);
    for (DecoderLayer layer : layers) {
      hidden = layer.apply(hidden, batch, MoeObserver.NONE);
    }
    Tensor next = Tensors.ofInts(Arrays.copyOfRange(tokens, 1, tokens.length));
    return head.losses(hidden.select(0, 0).narrow(0, 0, tokens.length - 1), next).mean();
  }

  private static void compare(
      Map<String, double[]> found, Map<String, double[]> expected, double tolerance) {
    assertThat(found.keySet()).containsAll(expected.keySet());
    expected.forEach(
        (name, squares) -> {
          double scale = Arrays.stream(squares).max().orElseThrow();
          assertThat(found.get(name)).as(name).hasSameSizeAs(squares);
          for (int i = 0; i < squares.length; i++) {
            assertThat(found.get(name)[i])
                .as(name + " element " + i)
                .isCloseTo(squares[i], within(tolerance * scale));
          }
        });
  }

  /** Softmax and sigmoid routers, shared experts, dense layers, weighted inputs, no gate. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "mixtral",
        "qwen3_moe",
        "qwen2_moe",
        "olmoe",
        "deepseek_v3",
        "gpt_oss",
        "llama4_text",
        "nemotron_h",
        "longcat_flash"
      })
  void areThoseOfOneGraph(String golden) {
    long before = Torch.liveObjects();
    try (MoeModel model = open(golden)) {
      Map<String, double[]> expected = atOnce(model, Dtype.F64);
      Map<String, double[]> inFile = streamed(model, Dtype.F64, 0);
      compare(inFile, expected, 1e-9);
      compare(streamed(model, Dtype.F32, 1L << 30), expected, 1e-4);
      long routed = model.moeLayers().getFirst().experts().count();
      assertThat(inFile.keySet().stream().filter(name -> name.endsWith("COUNT")))
          .hasSize((int) routed * model.moeLayers().size());
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  @Test
  void memoryAndFileGiveTheSame() {
    try (MoeModel model = open("mixtral")) {
      Map<String, double[]> inMemory = streamed(model, Dtype.F32, 1L << 30);
      streamed(model, Dtype.F32, 0)
          .forEach((name, squares) -> assertThat(inMemory.get(name)).as(name).isEqualTo(squares));
    }
  }

  @Test
  void areThoseOfFiniteDifferences() {
    List<ExpertPart> parts = List.of(ExpertPart.GATE, ExpertPart.DOWN, ExpertPart.UP);
    try (MoeModel model = open("mixtral")) {
      Map<String, double[]> found = streamed(model, Dtype.F64, 1L << 30);
      for (int i = 0; i < 6; i++) {
        String key = "0.%d.%s".formatted(i, parts.get(i % 3));
        String name =
            "model.layers.0.block_sparse_moe.experts.%d.w%d.weight".formatted(i, i % 3 + 1);
        double[] squares = found.get(key);
        int element = 0;
        for (int k = 1; k < squares.length; k++) {
          element = squares[k] > squares[element] ? k : element;
        }
        double expected = 0;
        for (int[] sequence : SEQUENCES) {
          double slope = slope(model, name, element, sequence);
          expected += slope * slope / SEQUENCES.size();
        }
        assertThat(squares[element]).as(key).isCloseTo(expected, within(1e-5 * expected));
        assertThat(expected).isPositive();
      }
    }
  }

  /** The slope of the loss of a sequence by one element of a stored matrix. */
  private static double slope(MoeModel model, String name, int element, int... sequence) {
    double step = 1e-5;
    return (shifted(model, name, element, step, sequence)
            - shifted(model, name, element, -step, sequence))
        / (2 * step);
  }

  private static double shifted(
      MoeModel model, String name, int element, double step, int... sequence) {
    try (var _ = Scope.open()) {
      var stored = model.checkpoint().require(name);
      Tensor own = new Weights(model.checkpoint(), Dtype.F64).load(stored);
      double[] values = own.toDoubles();
      values[element] += step;
      Tensor changed = Tensors.ofDoubles(values, own.shape());
      Weights weights = new Weights(model.checkpoint(), Dtype.F64, Map.of(name, changed));
      List<DecoderLayer> layers = new ArrayList<>();
      for (int l = 0; l < model.architecture().layers(); l++) {
        layers.add(model.layer(l, weights));
      }
      return loss(model, layers, model.head(weights), Dtype.F64, sequence).item();
    }
  }

  /** Rows of the router that choose one expert: its gradient is the sum of theirs. */
  @Test
  void anExpertOfSeveralRowsHasTheSumOfTheirGradients() {
    int[] sequence = SEQUENCES.getFirst();
    try (MoeModel model = open("mixtral");
        var _ = Scope.open()) {
      LayerShape own = LayerShape.of(model.moeLayers().get(1), 32);
      List<Integer> map = List.of(0, 1, 0, 1, 2, 2, 2, 0);
      LayerShape shape =
          new LayerShape(1, 32, Collections.nCopies(3, 24L), map, own.expert(), false);
      DecoderLayer layer = model.layer(1, Dtype.F64);
      MoeBlock block = ((FeedForward.Sparse) layer.feedForward()).block();
      Tensor input = model.embed(new TokenBatch(List.of(sequence)).ids(), Dtype.F64).select(0, 0);
      Tensor upstream = input.mul(input).add(0.5);
      LayerBackward backward = LayerBackward.of(layer, shape);
      Tensor before = backward.add(sequence, input, upstream, true).orElseThrow();
      SquaredGradients squares = backward.squares(1);

      Tensor gate = block.experts().get(1).gate().copy();
      Tensor hidden = input.unsqueeze(0).copy();
      Autograd.require(gate);
      Autograd.require(hidden);
      var second =
          block
              .experts()
              .get(1)
              .with(gate, block.experts().get(1).up(), block.experts().get(1).down());
      var rows =
          map.stream().map(e -> e == 1 ? second : block.experts().get(e == 0 ? 0 : 4)).toList();
      DecoderLayer shared = layer.with(new FeedForward.Sparse(block.with(block.router(), rows)));
      try (var recording = Autograd.record()) {
        Tensor output = shared.apply(hidden, new TokenBatch(List.of(sequence)), MoeObserver.NONE);
        Tensor value = output.mul(upstream.unsqueeze(0)).sum();
        List<Tensor> expected = recording.gradients(value, List.of(gate, hidden));
        assertThat(squares.experts().get(1).get(ExpertPart.GATE).toDoubles())
            .containsExactly(expected.getFirst().square().toDoubles(), within(1e-12));
        assertThat(before.toDoubles()).containsExactly(expected.get(1).toDoubles(), within(1e-12));
      }
      assertThat(Arrays.stream(squares.counts()).sum()).isEqualTo(2L * sequence.length);
    }
  }
}
