package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A reduction that is killed, and goes on. */
class ResumeIT {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  @TempDir private Path directory;

  private Object[] reduction(String output, String state) {
    Path quickstart = Smelt.root().resolve("examples/quickstart");
    return new Object[] {
      "merge",
      quickstart.resolve("model"),
      "--method",
      "ream",
      "--experts",
      "8",
      "--repair",
      "fit",
      "--text",
      quickstart.resolve("validation.txt"),
      "--sequences",
      "16",
      "--length",
      "64",
      "--compute",
      "f32",
      "--threads",
      "1",
      "-o",
      directory.resolve(output),
      "--resume",
      directory.resolve(state)
    };
  }

  @Test
  void aKilledReductionGoesOnWithTheSameBytes() throws IOException, InterruptedException {
    assertThat(Smelt.run(reduction("whole", "unused")).exitCode()).isZero();
    Process process = Smelt.begin(reduction("out", "state"));
    Instant end = Instant.now().plus(PATIENCE);
    while (Files.notExists(directory.resolve("state/reduction.json"))) {
      assertThat(process.isAlive()).isTrue();
      assertThat(Instant.now()).isBefore(end);
      Thread.sleep(5);
    }
    process.destroyForcibly().waitFor();
    assertThat(directory.resolve("out")).doesNotExist();
    Smelt.Run resumed = Smelt.run(reduction("out", "state"));
    assertThat(resumed.exitCode()).as(resumed.stderr()).isZero();
    String file = "model.safetensors";
    Path out = directory.resolve("out");
    assertThat(Files.mismatch(out.resolve(file), directory.resolve("whole").resolve(file)))
        .isEqualTo(-1);
    assertThat(directory.resolve("state")).doesNotExist();
    assertThat(groups(out)).isEqualTo(groups(directory.resolve("whole"))).contains("members");
  }

  /** The report without what it says about times. */
  private static String groups(Path output) throws IOException {
    String report = Files.readString(output.resolve("smelt-report.json"));
    return report.substring(0, report.indexOf("\"seconds\""));
  }
}
