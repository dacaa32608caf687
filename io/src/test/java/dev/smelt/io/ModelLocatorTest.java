package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLocatorTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  @TempDir Path home;

  private Path cache(Path hub) throws Exception {
    Path model = hub.resolve("models--acme--tiny-moe");
    Path snapshot = Files.createDirectories(model.resolve("snapshots").resolve(COMMIT));
    TestFiles.text(model.resolve("refs/main"), COMMIT + "\n");
    TestFiles.text(model.resolve("refs/pr/1"), COMMIT);
    TestFiles.text(model.resolve("refs/broken"), "ffff");
    return snapshot;
  }

  private Path locate(String argument, Map<String, String> environment) {
    return ModelLocator.locate(argument, environment, home);
  }

  private void assertMissing(String argument, Map<String, String> environment, String... parts) {
    assertThatThrownBy(() -> locate(argument, environment))
        .isInstanceOfSatisfying(
            SmeltException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CHECKPOINT))
        .hasMessageContainingAll(parts);
  }

  @Test
  void aDirectoryWins() throws Exception {
    Path directory = Files.createDirectories(home.resolve("acme/tiny-moe"));
    cache(home.resolve(".cache/huggingface/hub"));
    assertThat(locate(directory.toString(), Map.of())).isEqualTo(directory);
    assertThat(locate("~/acme/tiny-moe", Map.of())).isEqualTo(directory);
  }

  @Test
  void searchesTheCacheWhereTheHubClientPutsIt() throws Exception {
    Path standard = cache(home.resolve(".cache/huggingface/hub"));
    Path xdg = cache(home.resolve("xdg/huggingface/hub"));
    Path hf = cache(home.resolve("hf/hub"));
    Path hub = cache(home.resolve("models"));
    String x = home.resolve("xdg").toString();
    String h = home.resolve("hf").toString();
    String m = home.resolve("models").toString();
    assertThat(locate("acme/tiny-moe", Map.of())).isEqualTo(standard);
    assertThat(locate("acme/tiny-moe", Map.of("XDG_CACHE_HOME", x))).isEqualTo(xdg);
    assertThat(locate("acme/tiny-moe", Map.of("XDG_CACHE_HOME", x, "HF_HOME", h))).isEqualTo(hf);
    assertThat(locate("acme/tiny-moe", Map.of("HF_HOME", h, "HF_HUB_CACHE", m))).isEqualTo(hub);
    assertThat(locate("acme/tiny-moe", Map.of("HF_HUB_CACHE", "~/models"))).isEqualTo(hub);
    assertThat(locate("acme/tiny-moe", Map.of("HF_HUB_CACHE", ""))).isEqualTo(standard);
  }

  @Test
  void findsRevisions() throws Exception {
    Path snapshot = cache(home.resolve(".cache/huggingface/hub"));
    assertThat(locate("acme/tiny-moe@main", Map.of())).isEqualTo(snapshot);
    assertThat(locate("acme/tiny-moe@pr/1", Map.of())).isEqualTo(snapshot);
    assertThat(locate("acme/tiny-moe@refs/pr/1", Map.of())).isEqualTo(snapshot);
    assertThat(locate("acme/tiny-moe@" + COMMIT, Map.of())).isEqualTo(snapshot);
  }

  @Test
  void saysWhatIsMissing() throws Exception {
    Path hub = home.resolve(".cache/huggingface/hub");
    cache(hub);
    assertMissing("acme/other", Map.of(), "acme/other", hub.toString());
    assertMissing("acme/tiny-moe@v2", Map.of(), "revision v2 is not in the hub cache");
    assertMissing("acme/tiny-moe@../main", Map.of(), "no branch, tag or commit");
    assertMissing("acme/tiny-moe@a/../../snapshots", Map.of(), "no branch, tag or commit");
    assertMissing("acme/tiny-moe@broken", Map.of(), "commit 'ffff', whose snapshot is missing");
    assertMissing("./nowhere/at/all", Map.of(), "no such directory");
    assertMissing("", Map.of(), "no model");
    assertMissing("bad\0name", Map.of(), "not a path");
    Path file = TestFiles.text(home.resolve("file"), "");
    assertMissing(file.toString(), Map.of(), "not a directory");
  }
}
