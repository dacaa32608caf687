package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.CheckpointVerifier;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Merges in compact form: adaptive counts, and rows of a router that share an expert. */
class CompactMergeTest {
  private static final List<int[]> TOKENS = Fixtures.tokens(16, 40, 7);

  @TempDir private Path temporary;

  private static Merging merging(MoeModel model, int experts, boolean adaptive, OutputKind output) {
    RouterRule router = output == OutputKind.REDIRECTED ? RouterRule.REDIRECT : RouterRule.DOMINANT;
    MergeOptions options =
        new MergeOptions(
            experts,
            Similarity.ROUTER_LOGITS,
            AlignmentMode.WEIGHTS,
            MergeWeights.FREQUENCY,
            router,
            MergeOptions.Own.DEFAULTS,
            adaptive,
            output);
    RoutingStatistics statistics = Fixtures.statistics(model, TOKENS);
    return new Merging(model, statistics, MergeMethods.named("m-smoe"), options);
  }

  private ReducePlan write(MoeModel model, Merging merging) {
    ReducePlan plan = merging.plan();
    try (CompactWriter writer =
        CompactWriter.create(
            model,
            temporary.resolve("out"),
            plan.compactForms(model),
            plan.reductions(false),
            WriterOptions.DEFAULTS)) {
      assertThat(new Reduction(merging, plan, writer).run(layer -> {})).isNotEmpty();
      writer.commit();
    }
    assertThat(CheckpointVerifier.problems(temporary.resolve("out"))).isEmpty();
    return plan;
  }

  @ParameterizedTest
  @EnumSource(
      value = OutputKind.class,
      names = {"COMPACT", "REDIRECTED"})
  void leavingAllExpertsChangesNothing(OutputKind output) {
    try (var model = MoeModel.open(Resources.path("golden/qwen3_moe"))) {
      write(model, merging(model, 8, false, output));
      try (var written = MoeModel.open(temporary.resolve("out"))) {
        double loss = Fixtures.loss(model, TOKENS);
        assertThat(Fixtures.loss(written, TOKENS)).isCloseTo(loss, within(1e-6 * loss));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"mixtral, true", "qwen3_moe, true", "olmoe, false"})
  void redirectedRowsShareAnExpert(String name, boolean adaptive) {
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      ReducePlan plan = write(model, merging(model, 3, adaptive, OutputKind.REDIRECTED));
      int total = plan.layers().stream().mapToInt(layer -> layer.groups().size()).sum();
      assertThat(total).isEqualTo(3 * model.moeLayers().size());
      try (var written = MoeModel.open(temporary.resolve("out"))) {
        for (var moe : written.moeLayers()) {
          assertThat(moe.router().dim(0)).isEqualTo(8);
          assertThat(moe.experts().sharing()).isEqualTo(plan.layer(moe.layer()).map());
        }
        assertThat(Fixtures.loss(written, TOKENS)).isFinite();
        assertThat(written.checkpoint().totalBytes()).isLessThan(model.checkpoint().totalBytes());
      }
    }
  }

  @Test
  void adaptiveLayersHaveAsManyRowsAsExperts() {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      ReducePlan plan = write(model, merging(model, 5, true, OutputKind.COMPACT));
      try (var written = MoeModel.open(temporary.resolve("out"))) {
        for (var moe : written.moeLayers()) {
          int groups = plan.layer(moe.layer()).groups().size();
          assertThat(moe.router().dim(0)).isEqualTo(groups);
          assertThat(moe.experts().count()).isEqualTo(groups);
          assertThat(groups).isGreaterThanOrEqualTo(model.architecture().topK());
        }
        assertThat(Fixtures.loss(written, TOKENS)).isFinite();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 7, 9, 16})
  void adaptiveCountsKeepTheMostUsedAndExactlyTheTotal(int total) {
    RoutingStatistics statistics = statistics(new long[] {90, 5, 3, 2, 0, 0, 0, 0}, 13L);
    var counts = AdaptiveCounts.of(statistics, total, 2);
    assertThat(counts.values().stream().mapToInt(Integer::intValue).sum()).isEqualTo(total);
    assertThat(counts.get(1)).isGreaterThanOrEqualTo(counts.get(0));
    assertThatThrownBy(() -> AdaptiveCounts.of(statistics, 3, 2))
        .hasMessageContaining("--adaptive");
  }

  /** A peaked layer 0 and a flat layer 1. */
  private static RoutingStatistics statistics(long[] peaked, long flat) {
    try (var model = MoeModel.open(Resources.path("golden/olmoe"))) {
      RoutingStatistics empty = Fixtures.statistics(model, TOKENS);
      long[] even = new long[peaked.length];
      Arrays.fill(even, flat);
      return new RoutingStatistics(empty.origin(), List.of(layer(0, peaked), layer(1, even)));
    }
  }

  private static LayerStatistics layer(int index, long[] routed) {
    LayerStatistics empty = LayerStatistics.empty(index, routed.length);
    return new LayerStatistics(
        index,
        routed.length,
        Arrays.stream(routed).sum(),
        routed,
        empty.gateSum(),
        empty.gatedNormSum(),
        empty.normSum(),
        empty.gatedNormSquareSum(),
        empty.maxActivation(),
        empty.meanGatedOutput(),
        empty.coactivation(),
        empty.logitGram(),
        empty.logitGramCentred(),
        empty.transitions(),
        empty.sample());
  }
}
