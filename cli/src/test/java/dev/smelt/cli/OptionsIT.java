package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the launcher of the distribution hands on, seen by a Java that prints it. */
class OptionsIT {
  private static final String JAVA = "#!/usr/bin/env bash\nenv\nprintf 'ARG %s\\n' \"$@\"\n";

  @TempDir private Path jdk;

  @BeforeEach
  void makeJava() {
    TestFiles.text(jdk.resolve("release"), "JAVA_VERSION=\"99\"\n");
    Path java = TestFiles.text(jdk.resolve("bin/java"), JAVA);
    assertThat(java.toFile().setExecutable(true)).isTrue();
  }

  private Smelt smelt() {
    return Smelt.in(jdk)
        .with("JAVA_HOME", jdk.toString())
        .with("SMELT_CACHE", "")
        .with("OMP_NUM_THREADS", "");
  }

  @Test
  void argumentsArriveAsTheyAre() {
    assertThat(smelt().start("merge", "a b", "", "*").stdout())
        .endsWith("ARG merge\nARG a b\nARG \nARG *\n")
        .contains("ARG -Dorg.bytedeco.javacpp.maxBytes=0\n")
        .contains("ARG -XX:+UseSerialGC\n")
        .doesNotContain("smelt.terminal");
  }

  @Test
  void threadsOnTheCommandLineWin() {
    Smelt eight = smelt().with("OMP_NUM_THREADS", "8");
    assertThat(eight.start("merge", "--threads", "3").stdout()).contains("\nOMP_NUM_THREADS=3\n");
    assertThat(eight.start("merge", "--threads=4").stdout()).contains("\nOMP_NUM_THREADS=4\n");
    assertThat(eight.start("merge", "--threads", "x;y").stdout()).contains("OMP_NUM_THREADS=8\n");
    assertThat(smelt().start("merge").stdout()).containsPattern("\nOMP_NUM_THREADS=[1-9]\\d*\n");
  }

  @Test
  void onlyCommandsThatComputeSetTheAllocator() {
    assertThat(smelt().start("merge").stdout()).contains("\nMALLOC_MMAP_THRESHOLD_=");
    assertThat(smelt().start("inspect").stdout())
        .doesNotContain("MALLOC_MMAP_THRESHOLD_=")
        .contains("ARG -XX:TieredStopAtLevel=1\n");
  }

  @Test
  void javaOptionsOfTheUserComeLast() {
    assertThat(smelt().with("SMELT_JAVA_OPTS", "-Xmx1g -Da=b").start("--version").stdout())
        .containsPattern(
            "ARG -Xmx1g\nARG -Da=b\nARG -jar\nARG .*/lib/smelt-cli.jar\nARG --version\n");
  }
}
