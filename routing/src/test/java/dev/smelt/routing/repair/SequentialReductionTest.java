package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
  @ValueSource(
      strings = {
        "mixtral", "qwen2_moe", "qwen3_moe", "olmoe",
        "granitemoe", "granitemoehybrid", "minimax", "nemotron_h"
      })
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
        LayerRepair.HeldOut errors = repair.heldOut().orElseThrow();
        assertThat(errors.refitted()).isLessThanOrEqualTo(errors.before() + 1e-6);
        boolean last = repair.layer() == model.architecture().layers() - 1;
        assertThat(repair.divergence().isPresent()).isEqualTo(last);
        repair
            .divergence()
            .ifPresentOrElse(
                d -> assertThat(d.after()).isLessThanOrEqualTo(d.before()),
                () -> assertThat(errors.after()).isLessThanOrEqualTo(errors.refitted() + 1e-6));
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(live);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen2_moe", "granitemoeshared", "minimax", "nemotron_h"})
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

  /** Drops experts by their index. */
  private record FirstHalf(boolean needsOriginal) implements LayerEdit {
    @Override
    public ReducedBlock reduce(int layer, MoeBlock original, RepairTokens tokens) {
      return ReducedBlock.keep(
          original, IntStream.range(0, original.experts().size() / 2).boxed().toList());
    }
  }

  @Test
  void theOriginalModelRunsOnlyIfItIsWanted() {
    try (MoeModel model = MoeModel.open(Resources.path("golden/qwen2_moe"))) {
      var reduction = new SequentialReduction(model, Dtype.F32, RepairOptions.NONE, 3);
      List<List<float[]>> written = new ArrayList<>();
      for (boolean wanted : new boolean[] {true, false}) {
        List<float[]> run = new ArrayList<>();
        reduction.run(
            batches(model),
            new FirstHalf(wanted),
            (block, repair) -> {
              assertThat(repair.heldOut().isPresent()).isEqualTo(wanted);
              collect(block, run);
            });
        written.add(run);
      }
      assertThat(written.getFirst()).isNotEmpty().hasSameSizeAs(written.getLast());
      for (int i = 0; i < written.getFirst().size(); i++) {
        assertThat(written.getLast().get(i)).containsExactly(written.getFirst().get(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2_moe", "qwen3_moe_bf16"})
  void goesOnAfterTheLastFinishedLayerWithTheSameBytes(String name, @TempDir Path directory) {
    try (MoeModel model = MoeModel.open(Resources.path("golden/" + name))) {
      int keep = model.moeLayers().getFirst().experts().count() / 2;
      var reduction = new SequentialReduction(model, Dtype.F32, SHORT, 3);
      List<TokenBatch> batches = batches(model);
      List<float[]> whole = new ArrayList<>();
      reduction.run(batches, new Contribution(keep), (block, _) -> collect(block, whole));

      LayerEdit interrupted =
          (layer, original, tokens) -> {
            if (layer > 0) {
              throw new IllegalStateException("interrupted");
            }
            return new Contribution(keep).reduce(layer, original, tokens);
          };
      assertThatThrownBy(
              () ->
                  reduction.run(
                      batches, interrupted, (_, _) -> {}, ReductionState.open(directory, "a run")))
          .hasMessage("interrupted");
      ReductionState state = ReductionState.open(directory, "a run");
      assertThat(state.next()).isPositive();
      List<float[]> parts = new ArrayList<>();
      reduction.run(batches, new Contribution(keep), (block, _) -> collect(block, parts), state);
      assertThat(parts).hasSameSizeAs(whole);
      for (int i = 0; i < whole.size(); i++) {
        assertThat(parts.get(i)).containsExactly(whole.get(i));
      }
      assertThatThrownBy(() -> ReductionState.open(directory, "another run"))
          .hasMessageContaining("belongs to another run");
      state.discard();
      assertThat(directory).doesNotExist();
    }
  }

  private static void collect(ReducedBlock block, List<float[]> into) {
    into.add(block.block().router().weight().toFloats());
    for (var expert : block.block().experts()) {
      into.add(expert.gate().toFloats());
      into.add(expert.up().toFloats());
      into.add(expert.down().toFloats());
    }
  }
}
