package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SequentialReductionTest {
  private static final RepairOptions SHORT =
      new RepairOptions(
          RepairOptions.REFIT.refit(),
          java.util.Optional.of(new FitOptions(20, 256, 0.02, 0.1, 10, 0)));

  static List<TokenBatch> batches(MoeModel model) {
    Random random = new Random(1);
    List<int[]> sequences = new ArrayList<>();
    for (int s = 0; s < 24; s++) {
      int length = 20 + random.nextInt(20);
      sequences.add(random.ints(length, 0, model.architecture().vocabulary()).toArray());
    }
    return TokenBatch.split(sequences, 256);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen2_moe", "qwen3_moe", "olmoe"})
  void repairsEveryLayerAndNeverMakesOneWorse(String name) {
    long live;
    try (MoeModel model = MoeModel.open(Resources.path("golden/" + name))) {
      live = Torch.liveObjects();
      int keep = model.moeLayers().getFirst().experts().count() / 2;
      List<LayerRepair> repairs = new ArrayList<>();
      new SequentialReduction(model, Dtype.F32, SHORT, 3)
          .run(
              batches(model),
              new Contribution(keep),
              (block, repair) -> {
                repairs.add(repair);
                assertThat(block.block().experts()).hasSize(keep);
              });
      assertThat(repairs).hasSameSizeAs(model.moeLayers());
      for (LayerRepair repair : repairs) {
        assertThat(repair.heldOutRefitted()).isLessThanOrEqualTo(repair.heldOutBefore() + 1e-6);
        assertThat(repair.heldOutAfter()).isLessThanOrEqualTo(repair.heldOutRefitted() + 1e-6);
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(live);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen2_moe"})
  void allExpertsKeptChangesNothing(String name) {
    try (MoeModel model = MoeModel.open(Resources.path("golden/" + name))) {
      LayerEdit nothing =
          (_, original, _) -> {
            int[] all = new int[original.experts().size()];
            Arrays.setAll(all, e -> e);
            return ReducedBlock.keep(original, Arrays.stream(all).boxed().toList());
          };
      new SequentialReduction(model, Dtype.F32, RepairOptions.REFIT, 3)
          .run(
              batches(model),
              nothing,
              (block, repair) -> {
                try (var _ = dev.smelt.model.tensor.Scope.open()) {
                  var layer = model.layer(repair.layer(), Dtype.F32);
                  var sparse = (dev.smelt.model.FeedForward.Sparse) layer.feedForward();
                  assertThat(Fixture.difference(block.block(), sparse.block())).isLessThan(1e-5);
                }
              });
    }
  }
}
