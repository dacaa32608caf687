package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher of the source tree, in a tree whose Maven is a script. */
class LauncherIT {
  private static final List<String> MODULES =
      List.of("io", "model", "routing", "merge", "compress", "unlearn", "cli");

  private static final String MAVEN =
      """
      #!/usr/bin/env bash
      echo "$JAVA_HOME $*" >>"TREE/calls"
      echo "a line of the log"
      [[ -e "TREE/fail" ]] && exit 1
      sleep 0.5
      mkdir -p cli/target/smelt/bin
      printf '#!/usr/bin/env bash\\necho "ran $*"\\n' >cli/target/smelt/bin/smelt
      chmod +x cli/target/smelt/bin/smelt
      echo 1 >cli/target/smelt/VERSION
      """;

  @TempDir private Path tree;

  @BeforeEach
  void makeTree() throws IOException {
    Files.copy(Smelt.root().resolve("smelt"), tree.resolve("smelt"));
    String find = "cli/src/main/distribution/lib/find-jdk.bash";
    TestFiles.bytes(tree.resolve(find), TestFiles.read(Smelt.root().resolve(find)));
    TestFiles.text(tree.resolve("pom.xml"), "");
    for (String module : MODULES) {
      TestFiles.text(tree.resolve(module).resolve("pom.xml"), "");
      TestFiles.text(tree.resolve(module).resolve("src/main/java/A.java"), "");
    }
    Path maven = TestFiles.text(tree.resolve("fake/mvn"), MAVEN.replace("TREE", tree.toString()));
    assertThat(maven.toFile().setExecutable(true)).isTrue();
  }

  private Smelt.Run launch(Path launcher, String... arguments) {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(arguments));
    return Smelt.in(Path.of("/"))
        .with("PATH", tree.resolve("fake") + ":" + System.getenv("PATH"))
        .execute(command);
  }

  private List<String> builds() throws IOException {
    return Files.readAllLines(tree.resolve("calls"));
  }

  @Test
  void buildsOnFirstUseOnly() throws IOException {
    Smelt.Run first = launch(tree.resolve("smelt"), "inspect", "a b");
    assertThat(first.exitCode()).as(first.stderr()).isZero();
    assertThat(first.stdout()).isEqualTo("ran inspect a b\n");
    assertThat(first.stderr()).isEqualTo("building smelt (first use, about a minute) …\n");
    Smelt.Run second = launch(tree.resolve("smelt"), "inspect");
    assertThat(second.stderr()).isEmpty();
    assertThat(builds()).hasSize(1).first().asString().endsWith("-pl cli -am package");
  }

  @Test
  void buildsAgainWhenASourceIsNewer() throws IOException {
    launch(tree.resolve("smelt"));
    FileTime later = FileTime.from(Instant.now().plusSeconds(5));
    Files.setLastModifiedTime(tree.resolve("routing/src/main/java/A.java"), later);
    Smelt.Run run = launch(tree.resolve("smelt"));
    assertThat(run.stderr()).isEqualTo("building smelt (the sources changed) …\n");
    assertThat(builds()).hasSize(2);
  }

  @Test
  void worksThroughSymbolicLinks() throws IOException {
    Path links = Files.createDirectories(tree.resolve("links"));
    Files.createSymbolicLink(links.resolve("relative"), Path.of("../smelt"));
    Files.createSymbolicLink(links.resolve("absolute"), links.resolve("relative"));
    assertThat(launch(links.resolve("absolute"), "x").stdout()).isEqualTo("ran x\n");
  }

  @Test
  void aFailedBuildShowsTheEndOfTheLog() {
    TestFiles.text(tree.resolve("fail"), "");
    Smelt.Run run = launch(tree.resolve("smelt"));
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.stderr()).contains("a line of the log\nerror: building smelt failed");
    assertThat(run.stdout()).isEmpty();
  }

  @Test
  void twoFirstUsesBuildOnce() throws IOException {
    CompletableFuture<Smelt.Run> other =
        CompletableFuture.supplyAsync(() -> launch(tree.resolve("smelt"), "1"));
    Smelt.Run run = launch(tree.resolve("smelt"), "2");
    assertThat(run.stdout()).isEqualTo("ran 2\n");
    assertThat(other.join().stdout()).isEqualTo("ran 1\n");
    assertThat(builds()).hasSize(1);
  }

  @Test
  void anOldJavaHomeIsPassedOver() throws IOException {
    Path old = tree.resolve("old-jdk");
    TestFiles.text(old.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
    Path java = TestFiles.text(old.resolve("bin/java"), "#!/usr/bin/env bash\nexit 9\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Smelt.Run run = Smelt.in(tree).with("JAVA_HOME", old.toString()).start("--version");
    assertThat(run.exitCode()).as(run.stderr()).isZero();
    assertThat(run.stdout()).startsWith("smelt ");
  }

  @Test
  void theReleaseFileTellsTheVersion() {
    TestFiles.text(tree.resolve("jdk/release"), "X=1\nJAVA_VERSION=\"26-ea\"");
    String find = "source '" + Smelt.root() + "/cli/src/main/distribution/lib/find-jdk.bash'; ";
    String script =
        find + "java_major '" + tree + "/jdk'; is_suitable '" + tree + "/jdk' java; echo /$?";
    assertThat(Smelt.in(tree).execute(List.of("bash", "-c", script)).stdout()).isEqualTo("26/1\n");
  }
}
