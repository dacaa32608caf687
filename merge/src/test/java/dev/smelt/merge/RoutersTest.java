package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.repair.ReductionState;
import dev.smelt.routing.repair.RepairOptions;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sigmoid routers, selection biases and groups of experts, by every method. */
class RoutersTest {
  private static final List<int[]> TOKENS = Fixtures.tokens(16, 40, 7);

  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource({
    "deepseek_v3,m-smoe,false", "deepseek_v3,ream,true", "deepseek_v3,hc-smoe,false",
    "deepseek_v3,merge-moe,true", "glm4_moe,ream,true", "glm4_moe,hc-smoe,true",
    "minimax_m2,merge-moe,false", "gpt_oss,ream,true", "gpt_oss,merge-moe,false",
    "deepseek_v2_group,ream,false", "ernie4_5_moe,hc-smoe,true"
  })
  void reducedModelsKeepTheGroupsAndBiasesOfTheirRouters(
      String name, String method, boolean sequential) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      int keep = kept(model);
      var how = MergeMethods.named(method);
      List<LayerPlan> plans = sequential ? streamed(model, how, keep) : planned(model, how, keep);
      try (var reduced = MoeModel.open(temporary.resolve("out"))) {
        assertThat(Fixtures.loss(reduced, TOKENS)).isFinite();
        for (LayerPlan plan : plans) {
          MoeLayer moe = model.moeLayer(plan.layer()).orElseThrow();
          assertThat(plan.groups()).hasSize(keep);
          assertGroups(moe, plan);
          moe.companions()
              .correction()
              .ifPresent(c -> assertSliced(c, plan, model.checkpoint(), reduced.checkpoint()));
          moe.companions()
              .bias()
              .ifPresent(b -> assertSliced(b, plan, model.checkpoint(), reduced.checkpoint()));
        }
      }
    }
  }

  private static int kept(MoeModel model) {
    int groups = model.moeLayers().getFirst().groups();
    int half = model.moeLayers().getFirst().experts().count() / 2;
    int needed = groups == 1 ? model.architecture().topK() : 2 * groups;
    return Math.max(needed, half / groups * groups);
  }

  private List<LayerPlan> planned(MoeModel model, MergeMethod how, int keep) {
    Reducer reducer =
        new Merging(model, Fixtures.statistics(model, TOKENS), how, MergeOptions.defaults(keep));
    ReducePlan plan = reducer.plan();
    try (var writer = create(model, plan.reductions(false))) {
      new Reduction(reducer, plan, writer).run(layer -> {});
      writer.commit();
    }
    return plan.layers();
  }

  private List<LayerPlan> streamed(MoeModel model, MergeMethod how, int keep) {
    Reducer reducer =
        new Merging(model, Fixtures.noStatistics(model), how, MergeOptions.defaults(keep));
    return streamed(reducer, stream(Planning.REDUCED, RepairOptions.NONE), true);
  }

  private List<LayerPlan> streamed(Reducer reducer, ReductionStream stream, boolean commit) {
    List<LayerPlan> plans = new ArrayList<>();
    ReducePlan outline = reducer.outline();
    try (var writer = create(reducer.model(), outline.reductions(true))) {
      new Reduction(reducer, outline, writer)
          .streamed(stream, ReductionState.none(), d -> plans.add(d.plan()), layer -> {});
      if (commit) {
        writer.commit();
      }
    }
    return plans;
  }

  private static ReductionStream stream(Planning planning, RepairOptions repair) {
    return new ReductionStream(planning, repair, Dtype.F32, 0, 128, TokenBatch.split(TOKENS, 512));
  }

  private ReductionWriter create(MoeModel model, List<LayerReduction> layers) {
    var options = new WriterOptions(1L << 40, false);
    return ReductionWriter.create(model, temporary.resolve("out"), layers, options);
  }

  /** Members of a group lie in one group of the router, and each of those keeps as many. */
  private static void assertGroups(MoeLayer moe, LayerPlan plan) {
    int size = moe.experts().count() / moe.groups();
    int[] kept = new int[moe.groups()];
    for (Group group : plan.groups()) {
      assertThat(group.members()).allMatch(e -> e / size == group.dominant() / size);
      kept[group.dominant() / size]++;
    }
    assertThat(kept).containsOnly(plan.groups().size() / moe.groups());
  }

  private static void assertSliced(
      StoredTensor source, LayerPlan plan, Checkpoint before, Checkpoint after) {
    MemorySegment all = before.data(source);
    long entry = source.dtype().bytes();
    for (int i = 0; i < plan.groups().size(); i++) {
      long old = plan.groups().get(i).dominant() * entry;
      MemorySegment expected = all.asSlice(old, entry);
      MemorySegment found = after.data(source.name()).asSlice(i * entry, entry);
      assertThat(found.mismatch(expected)).as(source.name()).isEqualTo(-1);
    }
  }

  /** Planning in the stream of the original model is the same as planning after a calibration. */
  @ParameterizedTest
  @CsvSource({"mixtral", "qwen2_moe"})
  void plansOfAStreamAreThoseOfACalibration(String name) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      List<LayerPlan> expected =
          dropping(model, Fixtures.statistics(model, TOKENS)).plan().layers();
      Reducer reducer = dropping(model, Fixtures.noStatistics(model));
      List<LayerPlan> plans =
          streamed(reducer, stream(Planning.ORIGINAL, RepairOptions.REFIT), false);
      assertThat(plans).isEqualTo(expected);
    }
  }

  private static Reducer dropping(MoeModel model, RoutingStatistics statistics) {
    return new Dropping(model, statistics, DropCriterion.CONTRIBUTION, 4, false, 0);
  }

  @Test
  void groupsThatAreTooSmallAreRefused() {
    try (var model = MoeModel.open(Resources.path("golden/mixtral"))) {
      var statistics = Fixtures.noStatistics(model);
      var how = MergeMethods.named("ream");
      var own = new MergeOptions.Own(1, Linkage.AVERAGE, Variant.PAPER);
      assertThatThrownBy(
              () -> new Merging(model, statistics, how, MergeOptions.defaults(3).with(own)))
          .hasMessageContaining("--group-size 1: 3 experts");
    }
  }
}
