package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.DistanceAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Criteria, groups, permutations and merged experts on two trained models against an independent
 * transcription in numpy; {@code tools/reference/methods_reference.py} made the files.
 */
class MethodsReferenceTest {
  private static final Path RESOURCES = Path.of("src/test/resources");
  private static final Map<String, Path> MODELS =
      Map.of(
          "olmoe", Path.of("../examples/quickstart/model"),
          "mixtral", Path.of("../examples/models/mixtral-5m"));

  /** Merging all layers with all options would take long. */
  private static final List<Integer> MERGED_LAYERS = List.of(0, 3);

  @ParameterizedTest
  @CsvSource({"olmoe,8", "mixtral,4"})
  void criteriaAndMethodsAgree(String name, int experts) throws IOException {
    try (var model = MoeModel.open(MODELS.get(name));
        var golden =
            SafetensorsFile.open(RESOURCES.resolve("methods").resolve(name + ".safetensors"))) {
      for (LayerStatistics statistics : calibrate(model)) {
        var moe = model.moeLayer(statistics.layer()).orElseThrow();
        var layer = new Layer(new LayerContext(model, moe, statistics), golden, experts);
        layer.checkCriteria();
        if (!MERGED_LAYERS.contains(statistics.layer())) {
          continue;
        }
        layer.checkMerge("ream", "ream", MergeOptions.Own.DEFAULTS);
        layer.checkMerge("ream", "ream-released", own(Linkage.AVERAGE, Variant.RELEASED));
        for (Linkage linkage : Linkage.values()) {
          layer.checkMerge("hc-smoe", "hc-smoe-" + linkage.option(), own(linkage, Variant.PAPER));
        }
        layer.checkMerge("merge-moe", "merge-moe", MergeOptions.Own.DEFAULTS);
      }
    }
  }

  private static MergeOptions.Own own(Linkage linkage, Variant variant) {
    return new MergeOptions.Own(16, linkage, variant);
  }

  /** A layer with what numpy made of it. */
  private record Layer(LayerContext context, SafetensorsFile golden, int experts) {
    void checkCriteria() {
      for (DropCriterion criterion : DropCriterion.values()) {
        if (criterion != DropCriterion.RANDOM) {
          checkCriterion(criterion);
        }
      }
    }

    private void checkCriterion(DropCriterion criterion) {
      String at = "." + context.layer() + "." + criterion.option();
      try (var _ = Scope.open()) {
        double[] scores = criterion.scores(context, 0);
        assertClose("drop" + at, scores, read("drop" + at).toDoubles());
        assertThat(Ranking.top(scores, experts).stream().mapToLong(e -> e).toArray())
            .as("kept" + at)
            .isEqualTo(read("kept" + at).toLongs());
      }
    }

    void checkMerge(String method, String key, MergeOptions.Own own) {
      Merging merging =
          new Merging(
              context.model(),
              statistics(),
              MergeMethods.named(method),
              Fixtures.options(experts, AlignmentMode.WEIGHTS).with(own));
      String at = key + "." + context.layer() + ".";
      try (var _ = Scope.open()) {
        LayerPlan plan = merging.method().plan(context, merging.options());
        long[] joined = new long[context.experts()];
        plan.groups().forEach(g -> g.members().forEach(e -> joined[e] = g.dominant()));
        assertThat(joined).as(at).isEqualTo(read(at + "joined").toLongs());
        plan.groups().forEach(group -> checkPermutations(at, group));
        checkExperts(at, plan, merging);
      }
    }

    private RoutingStatistics statistics() {
      var origin = new RoutingStatistics.Origin("test", "", "", 0, 0, 0, "F32", 0, 0);
      return new RoutingStatistics(origin, List.of(context.statistics()));
    }

    /** That the members, in the order of numpy, are what the aligner makes of them. */
    private void checkPermutations(String at, Group group) {
      for (int member : group.members()) {
        if (golden.tensors().containsKey(at + "permutation." + member)) {
          try (var _ = Scope.open()) {
            Tensor order = read(at + "permutation." + member).to(Dtype.I64);
            Tensor expected = context.expert(member).gate().indexSelect(0, order);
            var aligner =
                new DistanceAligner(
                    context.expert(group.dominant()),
                    AlignmentMode.BOTH,
                    Optional.of(context.sampledInputs()));
            Tensor found = aligner.align(context.expert(member)).expert().gate();
            assertThat(found.sub(expected).maxAbs()).as(at + member).isZero();
          }
        }
      }
    }

    private void checkExperts(String at, LayerPlan plan, Merging merging) {
      for (int i = 0; i < plan.groups().size(); i++) {
        Group group = plan.groups().get(i);
        Expert expert =
            group.isSingle()
                ? context.expert(group.dominant())
                : merging.merge(context, group).expert();
        for (Map.Entry<ExpertPart, Tensor> part : expert.parts().entrySet()) {
          String name = at + part.getKey().name().toLowerCase(Locale.ROOT);
          Tensor wide = part.getValue().to(Dtype.F64);
          double[] rows = read(name + ".rows").select(0, i).to(Dtype.F64).toDoubles();
          double[] columns = read(name + ".columns").select(0, i).to(Dtype.F64).toDoubles();
          assertClose(name, wide.sum(1).toDoubles(), rows);
          assertClose(name, wide.sum(0).toDoubles(), columns);
        }
      }
    }

    private Tensor read(String name) {
      StoredTensor stored = golden.tensors().get(name);
      assertThat(stored).as(name).isNotNull();
      return Tensors.ofMemory(golden.data(stored), stored.dtype(), Weights.dims(stored.shape()));
    }
  }

  private static List<LayerStatistics> calibrate(MoeModel model) throws IOException {
    String text = Files.readString(RESOURCES.resolve("msmoe/calibration.json"));
    List<int[]> sequences = new ArrayList<>();
    for (JsonNode row : JsonMapper.builder().build().readTree(text).get("ids")) {
      sequences.add(row.valueStream().mapToInt(JsonNode::intValue).toArray());
    }
    int all = sequences.stream().mapToInt(sequence -> sequence.length).sum();
    return new CalibrationRun(model, Dtype.F32, 1024, all, 0).run(sequences, layer -> {});
  }

  /** Largest difference relative to the largest expected value. */
  private static void assertClose(String name, double[] found, double[] expected) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - found[i]));
    }
    assertThat(difference / largest).as(name).isLessThan(1e-5);
  }
}
