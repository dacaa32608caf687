package dev.smelt.unlearn.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.StateStore;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import dev.smelt.unlearn.attribution.AffinityRun;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.attribution.LayerAffinity;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.RetainTerm;
import dev.smelt.unlearn.loss.UnlearnLosses;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Affinities, losses and gradients against tools/reference/unlearn_reference.py. */
class GoldenLossTest {
  private static final List<String> PARTS = List.of("router", "gate", "up", "down");
  private static final int[] ALL = {0, 1, 2, 3};

  /** The numbers of one model. */
  private record Golden(SafetensorsFile file) implements AutoCloseable {
    static Golden of(String name) {
      return new Golden(
          SafetensorsFile.open(Path.of("src/test/resources/golden", name + ".safetensors")));
    }

    double[] values(String name) {
      try (var _ = Scope.open()) {
        var stored = file.tensors().get(name);
        long[] shape = Weights.dims(stored.shape());
        return Tensors.ofMemory(file.data(stored), stored.dtype(), shape).toDoubles();
      }
    }

    List<int[]> sequences(String name) {
      double[] ids = values(name);
      List<int[]> rows = new ArrayList<>();
      for (int from = 0; from < ids.length; from += 20) {
        rows.add(Arrays.stream(ids, from, from + 20).mapToInt(id -> (int) id).toArray());
      }
      return rows;
    }

    ExpertId target() {
      double[] target = values("target");
      return new ExpertId((int) target[0], (int) target[1]);
    }

    @Override
    public void close() {
      file.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen3_moe", "qwen2_moe", "olmoe"})
  void affinityAgreesWithNumPy(String name) {
    try (var model = MoeModel.open(Resources.path("golden/" + name));
        Golden golden = Golden.of(name)) {
      var result =
          new AffinityRun(model, Dtype.F32, 64).run(golden.sequences("forget"), layer -> {});
      double[] found =
          result.affinity().layers().stream()
              .map(LayerAffinity::affinity)
              .flatMapToDouble(Arrays::stream)
              .toArray();
      assertClose("affinity", found, golden.values("affinity"), 1e-5);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen3_moe", "qwen2_moe", "olmoe"})
  void lossesAndGradientsAgreeWithPyTorch(String name) {
    long before = Torch.liveObjects();
    try (var model = MoeModel.open(Resources.path("golden/" + name));
        Golden golden = Golden.of(name)) {
      check(model, golden, "ga", "ga", new LossConstants(1, 0, 0, 0, 0), 0);
      check(model, golden, "gdiff", "ga", new LossConstants(1, 0, 0, 0, 0), 0);
      check(model, golden, "gdiff", "nll", new LossConstants(0, 1, 0, 0, 0), 0);
      check(model, golden, "npo", "npo", new LossConstants(1, 0, 0.1, 0, 0), 0);
      check(model, golden, "simnpo", "simnpo", new LossConstants(1, 0, 2.5, 0.3, 0), 0);
      check(model, golden, "rmu", "rmu", new LossConstants(1, 0, 0, 0, 2), 0);
      check(model, golden, "rmu-adaptive", "rmu-adaptive", new LossConstants(1, 0, 0, 0, 1.5), 0);
      check(model, golden, "rmu", "embedding", new LossConstants(0, 1, 0, 0, 2), 0);
      check(model, golden, "npo", "kl", new LossConstants(0, 1, 0.1, 0, 0), 0);
      check(model, golden, "gdiff", "anchor", new LossConstants(0, 0, 0, 0, 0), 1);
      assertClose("by hand", golden.values("anchor.router"), golden.values("anchor.by-hand"), 1e-9);
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  private static void check(
      MoeModel model,
      Golden golden,
      String loss,
      String term,
      LossConstants constants,
      double anchor) {
    TrainOptions options =
        TrainOptions.of(UnlearnLosses.named(loss))
            .with(constants)
            .with(term.equals("kl") ? RetainTerm.KL : RetainTerm.NLL)
            .withAnchor(anchor)
            .with(0.0, 5, StateStore.MEMORY_LIMIT);
    List<int[]> forget = golden.sequences("forget");
    List<int[]> retain = golden.sequences("retain");
    TrainData data =
        new TrainData(
            new SequenceSplit(forget, forget), Optional.of(new SequenceSplit(retain, retain)));
    try (Trainer trainer =
            new Trainer(
                model,
                Dtype.F32,
                64,
                Scale.EXPERT,
                List.of(golden.target()),
                data,
                options,
                StopRule.parse(StopRule.DEFAULT));
        var _ = Scope.open()) {
      List<Tensor> masters = trainer.weights().masters();
      masters.getFirst().mulInPlace(1.05);
      masters.stream().skip(1).forEach(matrix -> matrix.mulInPlace(1.1));
      Trainer.Gradients found = trainer.gradients(ALL, ALL);
      String title = term + " by " + loss;
      assertClose(title, new double[] {found.terms().objective()}, golden.values(term), 2e-5);
      for (int i = 0; i < PARTS.size(); i++) {
        assertClose(
            title + ", " + PARTS.get(i),
            found.gradients().get(i).toDoubles(),
            golden.values(term + "." + PARTS.get(i)),
            2e-4);
      }
    }
  }

  private static void assertClose(
      String name, double[] found, double[] expected, double tolerance) {
    assertThat(found).as(name).hasSameSizeAs(expected);
    double scale = Arrays.stream(expected).map(Math::abs).max().orElse(0) + 1e-12;
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i] / scale)
          .as(name + " " + i)
          .isCloseTo(expected[i] / scale, within(tolerance));
    }
  }
}
