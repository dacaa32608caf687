package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands that only read files: inspect, diff, verify. */
class FilesIT {
  @TempDir private Path directory;

  private static JsonNode json(Smelt.Run run) {
    return new JsonMapper().readTree(run.stdout());
  }

  @Test
  void inspectShowsFactsAndGroups() {
    Smelt.Run run = Smelt.run("inspect", Models.moe(directory.resolve("moe"), 1));
    assertThat(run.exitCode()).isZero();
    assertThat(run.stderr()).isEmpty();
    assertThat(run.stdout())
        .contains("mixtral (MixtralForCausalLM)")
        .contains("2 per layer, top-1, width 3")
        .contains("56 in all, 38 active per token")
        .containsPattern("experts +6 +36 +64.3 % +144 B")
        .containsPattern("total +9 +56 +100.0 % +224 B");
  }

  @Test
  void inspectAsJson() {
    JsonNode summary =
        json(Smelt.run("inspect", Models.moe(directory.resolve("moe"), 1), "--json"));
    assertThat(summary.path("experts").intValue()).isEqualTo(2);
    assertThat(summary.path("top_k").intValue()).isEqualTo(1);
    assertThat(summary.path("parameters").intValue()).isEqualTo(56);
    assertThat(summary.path("groups").path("router").path("bytes").intValue()).isEqualTo(16);
    assertThat(summary.path("tied_embeddings").booleanValue()).isFalse();
  }

  /** Two of the ten experts of each layer return their input; their weights are never used. */
  @Test
  void expertsWithoutUseAreNotCounted() {
    Path golden = Path.of("..", "model", "src", "test", "resources", "golden", "longcat_flash");
    assertThat(json(Smelt.run("inspect", golden, "--json")).path("experts").intValue())
        .isEqualTo(8);
  }

  @Test
  void aDenseModelIsReportedAsOne() {
    Smelt.Run run = Smelt.run("inspect", Models.dense(directory.resolve("dense")));
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout()).contains("none: a dense model").contains("tied to the embeddings");
    assertThat(run.stderr()).contains("dense model");
  }

  @Test
  void diffOfEqualCheckpoints() {
    Path a = Models.moe(directory.resolve("a"), 1);
    Path b = Models.moe(directory.resolve("b"), 1);
    Smelt.Run run = Smelt.run("diff", a, b);
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout())
        .isEqualTo("tensors: 9 equal, 0 changed, 0 added, 0 gone; config.json: equal\n");
  }

  @Test
  void diffOfDifferentCheckpointsExitsWithFive() {
    Path a = Models.moe(directory.resolve("a"), 1);
    Path b = Models.moe(directory.resolve("b"), 1.5f);
    Smelt.Run run = Smelt.run("diff", a, b, "--json");
    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.stderr()).isEmpty();
    JsonNode diff = json(run);
    assertThat(diff.path("changed").intValue()).isEqualTo(9);
    assertThat(diff.path("tensors").path(0).path("relative_error").doubleValue()).isEqualTo(0.5);
    assertThat(Smelt.run("diff", a, Models.dense(directory.resolve("c"))).stdout())
        .contains("1 equal, 0 changed, 1 added, 8 gone")
        .contains("num_local_experts");
  }

  @Test
  void verifyOfASoundCheckpoint() {
    Smelt.Run run = Smelt.run("verify", Models.moe(directory.resolve("moe"), 1));
    assertThat(run.exitCode()).isZero();
    assertThat(run.stdout()).contains("ok, 9 tensors, 224 B in 1 file");
  }

  @Test
  void verifyFindsNaN() {
    Smelt.Run run = Smelt.run("verify", Models.moe(directory.resolve("moe"), Float.NaN));
    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains("9 problems").contains("lm_head.weight");
  }
}
