package dev.smelt.unlearn.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Diff;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.export.PatchWriter;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.unlearn.attribution.AffinityRun;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.UnlearnLosses;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
  private static final ExpertId TARGET = new ExpertId(2, 1);
  private static final StopRule NEVER = StopRule.parse("forget=+1000");

  @TempDir private Path temporary;

  private static List<int[]> sequences(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(random.ints(i % 3 == 0 ? 14 : 24, 0, 96).toArray());
    }
    return all;
  }

  /** Held-out sequences are those of the training: weights without knowledge do not generalise. */
  private static TrainData data() {
    List<int[]> forget = sequences(1, 12);
    List<int[]> retain = sequences(2, 12);
    return new TrainData(
        new SequenceSplit(forget, forget), Optional.of(new SequenceSplit(retain, retain)));
  }

  private static TrainOptions options(String loss) {
    return TrainOptions.of(UnlearnLosses.named(loss)).with(1e-3, 20, 4, 5);
  }

  private static List<double[]> trained(
      MoeModel model, Scale scale, TrainOptions options, StopRule rule) {
    try (Trainer trainer =
        new Trainer(model, Dtype.F32, 64, scale, List.of(TARGET), data(), options, rule)) {
      TrainResult result = trainer.run(check -> {});
      assertThat(result.bestStep()).isPositive();
      return trainer.weights().masters().stream().map(Tensor::toDoubles).toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ga", "gdiff", "npo", "simnpo", "rmu", "rmu-adaptive"})
  void cacheGivesTheSameWeightsAsRunningAllLayers(String loss) {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      List<double[]> cached = trained(model, Scale.EXPERT, options(loss), NEVER);
      List<double[]> whole = trained(model, Scale.EXPERT, options(loss).recomputing(), NEVER);
      assertSame(cached, whole);
    }
  }

  @Test
  void cacheInAFileIsTheSame() {
    try (var model = MoeModel.open(Resources.path("golden/mixtral"))) {
      TrainOptions inFile = options("npo").with(1, 0, 1);
      assertSame(
          trained(model, Scale.EXPERT, options("npo"), NEVER),
          trained(model, Scale.EXPERT, inFile, NEVER));
    }
  }

  private static void assertSame(List<double[]> a, List<double[]> b) {
    for (int i = 0; i < a.size(); i++) {
      for (int j = 0; j < a.get(i).length; j++) {
        assertThat(a.get(i)[j]).isCloseTo(b.get(i)[j], within(2e-5));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"olmoe", "mixtral", "qwen2_moe", "qwen3_moe_bf16", "deepseek_v2", "dbrx"})
  void onlyTheTargetChanges(String name) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      int layer = model.moeLayers().getLast().layer();
      ExpertId target = mostEngaged(model, layer);
      List<String> expected = new ArrayList<>();
      try (Trainer trainer =
          new Trainer(
              model,
              Dtype.F32,
              64,
              Scale.EXPERT,
              List.of(target),
              data(),
              options("gdiff").with(1e-2, 10, 4, 5),
              NEVER)) {
        TrainResult result = trainer.run(check -> {});
        assertThat(result.bestStep()).as("a better step").isPositive();
        trainer.patches().forEach(patch -> expected.add(patch.tensor().name()));
        PatchWriter.write(
            model.checkpoint(),
            temporary.resolve(name),
            trainer.patches(),
            new LinkedHashMap<>(),
            WriterOptions.DEFAULTS);
      }
      try (Checkpoint after = Checkpoint.open(temporary.resolve(name))) {
        Diff diff = CheckpointDiff.between(model.checkpoint(), after);
        assertThat(
                diff.tensors().stream()
                    .filter(t -> t.kind() != Diff.Kind.EQUAL)
                    .map(t -> t.name())
                    .toList())
            .containsExactlyInAnyOrderElementsOf(expected);
        assertThat(expected.getFirst())
            .isEqualTo(model.moeLayer(layer).orElseThrow().router().name());
        assertOtherExpertsEqual(model, after, target);
      }
    }
  }

  private static ExpertId mostEngaged(MoeModel model, int layer) {
    double[] share =
        new AffinityRun(model, Dtype.F32, 64)
            .run(sequences(1, 12), l -> {})
            .affinity()
            .layer(layer)
            .share();
    int best = 0;
    for (int e = 1; e < share.length; e++) {
      best = share[e] > share[best] ? e : best;
    }
    return new ExpertId(layer, best);
  }

  /** Fused tensors are changed in the slice of one expert alone. */
  private static void assertOtherExpertsEqual(MoeModel model, Checkpoint after, ExpertId target) {
    var moe = model.moeLayer(target.layer()).orElseThrow();
    int experts = moe.experts().count();
    for (StoredTensor tensor : moe.experts().tensors()) {
      if (tensor.bytes() / experts * experts == tensor.bytes()
          && tensor.dim(0) % experts == 0
          && tensor.shape().size() >= 2
          && tensor.dim(0) >= experts
          && !tensor.name().matches(".*\\.experts\\.\\d+\\..*")) {
        long slice = tensor.bytes() / experts;
        for (int e = 0; e < experts; e++) {
          MemorySegment a = model.checkpoint().data(tensor).asSlice(e * slice, slice);
          MemorySegment b = after.data(tensor.name()).asSlice(e * slice, slice);
          assertThat(a.mismatch(b) == -1)
              .as(tensor.name() + " " + e)
              .isEqualTo(e != target.expert());
        }
      }
    }
  }

  @Test
  void plainFineTuningWithoutForgetWeight() {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      TrainOptions options =
          options("gdiff")
              .with(new LossConstants(0, 1, 0, 0, 0))
              .withAnchor(0)
              .with(1e-3, 30, 8, 10);
      try (Trainer trainer =
          new Trainer(model, Dtype.F32, 64, Scale.ALL, List.of(TARGET), data(), options, NEVER)) {
        TrainResult result = trainer.run(check -> {});
        assertThat(result.checks().getLast().training().objective())
            .isLessThan(result.checks().get(1).training().objective());
        assertThat(result.checks().getLast().training().forget()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"LAYER", "ALL"})
  void baselinesTrainWhatTheySay(String scale) {
    try (var model = MoeModel.open(Resources.path("golden/qwen2_moe"));
        Trainer trainer =
            new Trainer(
                model,
                Dtype.F32,
                64,
                Scale.valueOf(scale),
                List.of(TARGET),
                data(),
                options("gdiff").withAnchor(0),
                NEVER)) {
      trainer.run(check -> {});
      List<String> changed = trainer.patches().stream().map(p -> p.tensor().name()).toList();
      List<String> expected =
          (scale.equals("ALL")
                  ? List.copyOf(model.checkpoint().tensors().values())
                  : model.layerTensors(2))
              .stream().map(StoredTensor::name).toList();
      assertThat(changed).isEqualTo(expected);
    }
  }

  @Test
  void keepsTheBestStepWithinTheRule() {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"));
        Trainer trainer =
            new Trainer(
                model,
                Dtype.F32,
                64,
                Scale.EXPERT,
                List.of(TARGET),
                data(),
                options("ga").with(3e-2, 60, 4, 5),
                StopRule.parse("forget=50x,retain=1.01x"))) {
      TrainResult result = trainer.run(check -> {});
      assertThat(result.outcome()).isNotEqualTo(Outcome.REACHED);
      double limit = result.before().retain().orElseThrow() + Math.log(1.01);
      assertThat(result.after().retain().orElseThrow()).isLessThan(limit + 1e-3);
      double best =
          result.checks().stream()
              .filter(c -> c.heldOut().retain().orElseThrow() <= limit)
              .mapToDouble(c -> c.heldOut().forget())
              .max()
              .orElseThrow();
      assertThat(result.after().forget()).isCloseTo(best, within(1e-3));
    }
  }

  @Test
  void refusesTargetsOfSeveralLayersForALayer() {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      assertThatThrownBy(
              () ->
                  new Trainer(
                      model,
                      Dtype.F32,
                      64,
                      Scale.LAYER,
                      List.of(TARGET, new ExpertId(1, 1)),
                      data(),
                      options("gdiff"),
                      NEVER))
          .isInstanceOf(SmeltException.class)
          .hasMessageContaining("several layers");
    }
  }
}
