package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * M-SMoE on a trained mixtral model against an independent transcription in numpy; {@code
 * tools/reference/msmoe_reference.py} made the files.
 */
class MSmoeReferenceTest {
  private static final Path REFERENCE = Path.of("src/test/resources/msmoe");
  private static final Path MODEL = Path.of("../examples/models/mixtral-5m");

  @Test
  void statisticsAgree() throws IOException {
    try (var model = MoeModel.open(MODEL);
        var reference = SafetensorsFile.open(REFERENCE.resolve("statistics.safetensors"));
        var _ = Scope.open()) {
      List<LayerStatistics> layers = calibrate(model);
      Tensor counts = read(reference, "counts");
      Tensor grams = read(reference, "logit_gram");
      for (int l = 0; l < layers.size(); l++) {
        assertThat(layers.get(l).routed()).isEqualTo(counts.select(0, l).toLongs());
        double[] gram = grams.select(0, l).reshape(-1).toDoubles();
        assertClose(Tensors.ofDoubles(layers.get(l).logitGram(), gram.length), gram, 1e-5);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 6})
  void planAndMergedTensorsAgree(int experts) throws IOException {
    MergeMethod method = MergeMethods.named("m-smoe");
    MergeOptions options =
        new MergeOptions(
            experts,
            Similarity.ROUTER_LOGITS,
            AlignmentMode.WEIGHTS,
            MergeWeights.FREQUENCY,
            RouterRule.DOMINANT);
    try (var model = MoeModel.open(MODEL);
        var plans = SafetensorsFile.open(REFERENCE.resolve("plan-k" + experts + ".safetensors"));
        var merged =
            SafetensorsFile.open(REFERENCE.resolve("merged-k" + experts + ".safetensors"))) {
      for (LayerStatistics statistics : calibrate(model)) {
        int layer = statistics.layer();
        var context = new LayerContext(model, model.moeLayer(layer).orElseThrow(), statistics);
        try (var _ = Scope.open()) {
          LayerPlan plan = method.plan(context, options);
          assertSamePlan(plan, plans);
          assertSameWeights(context, method, plan, options, merged);
        }
      }
    }
  }

  private static void assertSamePlan(LayerPlan plan, SafetensorsFile reference) {
    String at = "layer." + plan.layer() + ".";
    long[] dominant = read(reference, at + "dominant").toLongs();
    long[] group = read(reference, at + "group").toLongs();
    double[] weights = read(reference, at + "weights").toDoubles();
    assertThat(plan.groups().stream().mapToLong(Group::dominant).toArray()).isEqualTo(dominant);
    for (int i = 0; i < dominant.length; i++) {
      Group found = plan.groups().get(i);
      for (int m = 0; m < found.members().size(); m++) {
        int member = found.members().get(m);
        assertThat(group[member]).as(at + member).isEqualTo(i);
        assertThat(found.weights().get(m)).as(at + member).isCloseTo(weights[member], CLOSE);
      }
    }
  }

  private static final org.assertj.core.data.Offset<Double> CLOSE =
      org.assertj.core.api.Assertions.within(1e-12);

  private static void assertSameWeights(
      LayerContext context,
      MergeMethod method,
      LayerPlan plan,
      MergeOptions options,
      SafetensorsFile reference) {
    String at = "layer." + plan.layer() + ".";
    for (int i = 0; i < plan.groups().size(); i++) {
      Group group = plan.groups().get(i);
      Expert expert =
          group.isSingle()
              ? context.expert(group.dominant())
              : method.merge(context, group, options).expert();
      assertSums(expert.gate(), at + "gate", i, reference);
      assertSums(expert.up(), at + "up", i, reference);
      assertSums(expert.down(), at + "down", i, reference);
    }
  }

  private static void assertSums(Tensor matrix, String name, int i, SafetensorsFile reference) {
    Tensor wide = matrix.to(Dtype.F64);
    double[] rows = read(reference, name + ".row_sums").select(0, i).toDoubles();
    double[] columns = read(reference, name + ".column_sums").select(0, i).toDoubles();
    assertClose(wide.sum(1), rows, 1e-5);
    assertClose(wide.sum(0), columns, 1e-5);
  }

  private static List<LayerStatistics> calibrate(MoeModel model) throws IOException {
    String text = Files.readString(REFERENCE.resolve("calibration.json"));
    List<int[]> sequences = new ArrayList<>();
    for (JsonNode row : JsonMapper.builder().build().readTree(text).get("ids")) {
      sequences.add(row.valueStream().mapToInt(JsonNode::intValue).toArray());
    }
    return new CalibrationRun(model, Dtype.F32, 1024, 64, 0).run(sequences, layer -> {});
  }

  private static Tensor read(SafetensorsFile file, String name) {
    StoredTensor stored = file.tensors().get(name);
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }

  /** Largest difference relative to the largest expected value. */
  private static void assertClose(Tensor actual, double[] expected, double tolerance) {
    double[] found = actual.toDoubles();
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - found[i]));
    }
    assertThat(difference / largest).isLessThan(tolerance);
  }
}
