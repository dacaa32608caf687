package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.Weights;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.RoutingStatistics;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What every method must keep, from a checkpoint to a checkpoint. */
class ReductionTest {
  private static final List<int[]> TOKENS = Fixtures.tokens(16, 40, 7);

  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource({
    "mixtral,m-smoe",
    "mixtral,average",
    "qwen3_moe,m-smoe",
    "qwen2_moe,average",
    "olmoe,m-smoe",
    "mixtral,ream",
    "olmoe,hc-smoe",
    "qwen3_moe,merge-moe"
  })
  void leavingAllExpertsChangesNothing(String name, String method) {
    Path source = Resources.path("golden/" + name);
    Path target = temporary.resolve("out");
    try (var model = MoeModel.open(source)) {
      write(model, merging(model, method, 8, AlignmentMode.WEIGHTS), target);
      try (var written = Checkpoint.open(target)) {
        var diff = CheckpointDiff.between(model.checkpoint(), written);
        assertThat(diff.isEmpty()).as(diff.toString()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mixtral,m-smoe",
    "qwen3_moe,average",
    "olmoe,m-smoe",
    "qwen3_moe_bf16,m-smoe",
    "qwen3_moe,ream",
    "qwen2_moe,hc-smoe",
    "olmoe,merge-moe"
  })
  void fewerExpertsAreASmallerModelThatRunsAndIsTheSameTwice(String name, String method)
      throws IOException {
    long before = Torch.liveObjects();
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      String fingerprint = model.checkpoint().fingerprint();
      ReducePlan plan = write(model, merging(model, method, 5, AlignmentMode.BOTH), out("a"));
      write(model, merging(model, method, 5, AlignmentMode.BOTH), out("b"));
      assertThat(Files.mismatch(weights("a"), weights("b"))).isEqualTo(-1);
      assertThat(model.checkpoint().fingerprint()).isEqualTo(fingerprint);
      try (var reduced = MoeModel.open(out("a"))) {
        assertThat(reduced.moeLayers()).allMatch(moe -> moe.experts().count() == 5);
        assertThat(Fixtures.loss(reduced, TOKENS)).isFinite();
        long bytes =
            reduced.checkpoint().tensors().values().stream().mapToLong(t -> t.bytes()).sum();
        assertThat(bytes).isEqualTo(plan.bytesAfter(model));
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"CONTRIBUTION", "REAP", "FREQUENCY", "GATE_SUM", "EAN", "AIMER", "RANDOM"})
  void droppedExpertsLeaveTheOthersAsTheyWere(DropCriterion criterion) {
    try (var model = MoeModel.open(Resources.path("golden/qwen3_moe"))) {
      RoutingStatistics statistics = Fixtures.statistics(model, TOKENS);
      ReducePlan plan =
          write(model, new Dropping(model, statistics, criterion, 5, false, 3), out("d"));
      try (var reduced = MoeModel.open(out("d"))) {
        for (LayerPlan layer : plan.layers()) {
          assertKept(model.checkpoint(), reduced.checkpoint(), layer);
        }
      }
    }
  }

  private static void assertKept(Checkpoint source, Checkpoint reduced, LayerPlan layer) {
    for (int i = 0; i < layer.groups().size(); i++) {
      for (String part : List.of("gate_proj", "up_proj", "down_proj")) {
        String name = "model.layers.%d.mlp.experts.%d.%s.weight";
        MemorySegment kept = reduced.data(name.formatted(layer.layer(), i, part));
        int old = layer.groups().get(i).dominant();
        assertThat(kept.mismatch(source.data(name.formatted(layer.layer(), old, part))))
            .isEqualTo(-1);
      }
    }
  }

  /** Renumbering the experts of a layer renumbers the plan and the result, and nothing else. */
  @ParameterizedTest
  @CsvSource({"m-smoe", "ream", "hc-smoe", "merge-moe"})
  void resultsFollowAPermutationOfTheExperts(String method) throws IOException {
    int[] order = {3, 0, 7, 5, 1, 6, 2, 4};
    Path permuted = permutedExperts(order);
    try (var model = MoeModel.open(Resources.path("golden/mixtral"));
        var other = MoeModel.open(permuted)) {
      var align = AlignmentMode.BOTH;
      var plans = write(model, merging(model, method, 4, align), out("plain")).layers();
      var others = write(other, merging(other, method, 4, align), out("permuted")).layers();
      for (int l = 0; l < plans.size(); l++) {
        assertThat(sets(others.get(l), order)).isEqualTo(sets(plans.get(l), identity(8)));
      }
      assertSameExperts(plans, others, order);
    }
  }

  @ParameterizedTest
  @CsvSource({"CONTRIBUTION", "REAP", "FREQUENCY", "GATE_SUM", "EAN", "AIMER"})
  void droppedSetsFollowAPermutationOfTheExperts(DropCriterion criterion) throws IOException {
    int[] order = {3, 0, 7, 5, 1, 6, 2, 4};
    Path permuted = permutedExperts(order);
    try (var model = MoeModel.open(Resources.path("golden/mixtral"));
        var other = MoeModel.open(permuted)) {
      List<LayerPlan> plans = dropping(model, criterion).plan().layers();
      List<LayerPlan> others = dropping(other, criterion).plan().layers();
      for (int l = 0; l < plans.size(); l++) {
        assertThat(sets(others.get(l), order)).isEqualTo(sets(plans.get(l), identity(8)));
      }
    }
  }

  private static Dropping dropping(MoeModel model, DropCriterion criterion) {
    return new Dropping(model, Fixtures.statistics(model, TOKENS), criterion, 4, false, 0);
  }

  /** The merged expert of the same group has the same weights in both outputs. */
  private void assertSameExperts(List<LayerPlan> plans, List<LayerPlan> others, int[] order) {
    try (var one = MoeModel.open(out("plain"));
        var two = MoeModel.open(out("permuted"))) {
      for (int l = 0; l < plans.size(); l++) {
        for (int i = 0; i < plans.get(l).groups().size(); i++) {
          int dominant = plans.get(l).groups().get(i).dominant();
          int j = 0;
          while (order[others.get(l).groups().get(j).dominant()] != dominant) {
            j++;
          }
          assertSameExpert(one, i, two, j, plans.get(l).layer());
        }
      }
    }
  }

  private static void assertSameExpert(MoeModel one, int i, MoeModel two, int j, int layer) {
    try (var _ = Scope.open()) {
      Expert a = load(one, layer, i);
      Expert b = load(two, layer, j);
      a.parts()
          .forEach(
              (part, values) -> {
                Tensor difference = values.sub(b.parts().get(part));
                double relative = difference.maxAbs() / values.maxAbs();
                assertThat(relative).as("layer %d, %d, %s", layer, i, part).isLessThan(1e-4);
              });
    }
  }

  private static Expert load(MoeModel model, int layer, int e) {
    Weights weights = new Weights(model.checkpoint(), Dtype.F32);
    return model.moeLayer(layer).orElseThrow().experts().load(weights, e);
  }

  private static List<List<Integer>> sets(LayerPlan plan, int[] order) {
    return plan.groups().stream()
        .map(g -> g.members().stream().map(e -> order[e]).sorted().toList())
        .sorted((a, b) -> a.getFirst() - b.getFirst())
        .toList();
  }

  private static int[] identity(int n) {
    return IntStream.range(0, n).toArray();
  }

  private Path permutedExperts(int[] order) throws IOException {
    return rewritten(
        "mixtral",
        (name, source) -> {
          if (name.endsWith("gate.weight")) {
            return source.load(name).indexSelect(0, Tensors.ofInts(order));
          }
          for (int e = 0; e < order.length; e++) {
            if (name.contains("experts." + e + ".")) {
              return source.load(name.replace("experts." + e + ".", "experts." + order[e] + "."));
            }
          }
          return source.load(name);
        });
  }

  /** All experts are copies of one, permuted and with up and down scaled against each other. */
  @Test
  void permutedAndRescaledCopiesMergeBackToTheOriginalFunction() throws IOException {
    SplittableRandom random = new SplittableRandom(11);
    Path copies = rewritten("mixtral", (name, source) -> source.load(name));
    try (var model = MoeModel.open(copies)) {
      List<int[]> tokens = Fixtures.tokens(8, 40, 5);
      Path scrambled = scramble(model, random);
      try (var source = MoeModel.open(scrambled)) {
        double original = Fixtures.loss(source, tokens);
        double aligned = lossAfterMerging(source, AlignmentMode.WEIGHTS, tokens);
        double activations = lossAfterMerging(source, AlignmentMode.ACTIVATIONS, tokens);
        double plain = lossAfterMerging(source, AlignmentMode.NONE, tokens);
        assertThat(aligned).isCloseTo(original, within(1e-5 * original));
        assertThat(activations).isCloseTo(original, within(1e-5 * original));
        assertThat(Math.abs(plain - original)).isGreaterThan(1e-3 * original);
      }
    }
  }

  private Path scramble(MoeModel model, SplittableRandom random) throws IOException {
    SequencedMap<String, Tensor> changed = new LinkedHashMap<>();
    try (var _ = Scope.open()) {
      Weights weights = new Weights(model.checkpoint(), Dtype.F32);
      for (MoeLayer moe : model.moeLayers()) {
        Expert first = moe.experts().load(weights, 0);
        for (int e = 0; e < moe.experts().count(); e++) {
          moe.experts()
              .arrange(e, copy(first, random))
              .forEach((stored, tensor) -> changed.put(stored.name(), tensor));
        }
      }
      return rewritten(
          "mixtral",
          (name, source) -> changed.containsKey(name) ? changed.get(name) : source.load(name));
    }
  }

  private static Expert copy(Expert expert, SplittableRandom random) {
    int width = (int) expert.gate().size(0);
    int[] order = identity(width);
    float[] scales = new float[width];
    for (int i = width - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    for (int i = 0; i < width; i++) {
      scales[i] = (float) (random.nextDouble(0.2, 5) * (random.nextBoolean() ? 1 : -1));
    }
    Tensor index = Tensors.ofInts(order);
    Tensor scale = Tensors.ofFloats(scales, width);
    return new Expert(
        expert.gate().indexSelect(0, index),
        expert.up().indexSelect(0, index).mul(scale.unsqueeze(-1)),
        expert.down().indexSelect(1, index).div(scale));
  }

  private double lossAfterMerging(MoeModel source, AlignmentMode mode, List<int[]> tokens) {
    Path target = temporary.resolve("merged-" + mode);
    write(source, merging(source, "m-smoe", 3, mode), target);
    try (var merged = MoeModel.open(target)) {
      return Fixtures.loss(merged, tokens);
    }
  }

  @FunctionalInterface
  private interface Change {
    Tensor of(String name, Weights source);
  }

  /** A copy of a golden checkpoint with other values. */
  private Path rewritten(String name, Change change) throws IOException {
    Path directory = Files.createTempDirectory(temporary, "model");
    Path golden = Resources.path("golden/" + name);
    Files.copy(golden.resolve("config.json"), directory.resolve("config.json"));
    try (var checkpoint = Checkpoint.open(golden);
        var arena = Arena.ofConfined();
        var _ = Scope.open()) {
      Weights weights = new Weights(checkpoint, Dtype.F32);
      SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
      for (String tensor : checkpoint.tensors().keySet()) {
        MemorySegment values = change.of(tensor, weights).contiguous().memory();
        MemorySegment copy = arena.allocate(values.byteSize(), 8).copyFrom(values);
        tensors.put(checkpoint.require(tensor).info(), copy);
      }
      SequencedMap<String, String> metadata = new LinkedHashMap<>();
      metadata.put("format", "pt");
      SafetensorsWriter.write(directory.resolve("model.safetensors"), metadata, tensors);
    }
    return directory;
  }

  private Path out(String name) {
    return temporary.resolve(name);
  }

  private Path weights(String name) {
    return out(name).resolve("model.safetensors");
  }

  private static Merging merging(MoeModel model, String method, int experts, AlignmentMode align) {
    return new Merging(
        model,
        Fixtures.statistics(model, TOKENS),
        MergeMethods.named(method),
        Fixtures.options(experts, align));
  }

  private static ReducePlan write(MoeModel model, Reducer reducer, Path target) {
    ReducePlan plan = reducer.plan();
    var options = new WriterOptions(1L << 40, false);
    try (var writer = ReductionWriter.create(model, target, plan.reductions(false), options)) {
      new Reduction(reducer, plan, writer).run(layer -> {});
      writer.commit();
    }
    return plan;
  }
}
