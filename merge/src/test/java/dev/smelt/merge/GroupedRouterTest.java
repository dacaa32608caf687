package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.export.ReductionWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Routers that choose among the experts of a few groups: two groups of four, one of them kept. */
class GroupedRouterTest {
  private static final List<int[]> TOKENS = Fixtures.tokens(8, 40, 7);

  @TempDir private Path directory;
  private Path source;

  @BeforeEach
  void regroup() throws IOException {
    source = directory.resolve("model");
    Path golden = Resources.path("golden/deepseek_v3");
    Files.createDirectory(source);
    Files.copy(golden.resolve("model.safetensors"), source.resolve("model.safetensors"));
    String config = Files.readString(golden.resolve("config.json"));
    Files.writeString(
        source.resolve("config.json"),
        ConfigDocument.parse(config, golden).with("n_group", 2).with("topk_group", 1).text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"m-smoe", "average", "contribution", "aimer"})
  void theSameNumberStaysInEachGroup(String method) {
    try (var model = MoeModel.open(source)) {
      Reducer reducer = reducer(model, method);
      ReducePlan plan = reducer.plan();
      assertThat(plan.layers())
          .isNotEmpty()
          .allSatisfy(
              layer ->
                  assertThat(layer.groups().stream().filter(g -> g.dominant() < 4)).hasSize(3));
      Path target = directory.resolve("out");
      try (var writer =
          ReductionWriter.create(model, target, plan.reductions(false), WriterOptions.DEFAULTS)) {
        assertThat(new Reduction(reducer, plan, writer).run(layer -> {})).isNotEmpty();
        assertThat(writer.commit().directory()).isEqualTo(target);
      }
      try (var reduced = MoeModel.open(target)) {
        assertThat(reduced.architecture().groups()).isEqualTo(2);
        assertThat(Fixtures.loss(reduced, TOKENS)).isFinite();
      }
    }
  }

  private static Reducer reducer(MoeModel model, String method) {
    var statistics = Fixtures.statistics(model, TOKENS);
    for (DropCriterion criterion : DropCriterion.values()) {
      if (criterion.option().equals(method)) {
        return new Dropping(model, statistics, criterion, 6, false, 0);
      }
    }
    MergeOptions options = Fixtures.options(6, AlignmentMode.NONE);
    return new Merging(model, statistics, MergeMethods.named(method), options);
  }

  @Test
  void countsAreWhatTheGroupsAllow() {
    try (var model = MoeModel.open(source)) {
      assertThat(ExpertCount.of(model, 6)).isEqualTo(6);
      assertThat(ExpertCount.ofRatio(model, 0.4)).isEqualTo(6);
      for (int refused : new int[] {3, 4, 5, 7}) {
        assertThatThrownBy(() -> ExpertCount.of(model, refused))
            .isInstanceOfSatisfying(
                SmeltException.class,
                e -> {
                  assertThat(e.fault()).isEqualTo(Fault.USAGE);
                  assertThat(e.hint()).contains("--ungroup");
                });
      }
    }
    try (var model = MoeModel.openUngrouped(source)) {
      assertThat(ExpertCount.of(model, 3)).isEqualTo(3);
    }
  }
}
