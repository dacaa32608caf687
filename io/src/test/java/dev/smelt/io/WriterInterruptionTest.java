package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A terminated process leaves neither a target nor a temporary directory. */
class WriterInterruptionTest {
  @TempDir Path parent;

  @Test
  @Timeout(60)
  void terminationCleansUp() throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                java,
                "-cp",
                System.getProperty("java.class.path"),
                Endless.class.getName(),
                parent.resolve("new/out").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output = process.inputReader()) {
      assertThat(output.readLine()).isEqualTo("writing");
      assertThat(TestFiles.tree(parent)).anyMatch(name -> name.endsWith("model.safetensors"));
      process.destroy();
      assertThat(process.waitFor()).isEqualTo(128 + 15);
    }
    assertThat(TestFiles.tree(parent)).isEmpty();
  }

  /** The process that is terminated: it writes until then. */
  static final class Endless {
    private Endless() {}

    /** Writes the same parts and files for ever. */
    public static void main(String[] arguments) {
      TensorInfo info = new TensorInfo("t", Dtype.U8, List.of(1L << 20));
      byte[] part = new byte[1 << 20];
      try (CheckpointWriter writer =
          CheckpointWriter.create(Path.of(arguments[0]), List.of(info), WriterOptions.DEFAULTS)) {
        writer.write("t", MemorySegment.ofArray(part));
        System.out.println("writing");
        for (long round = 0; ; round++) {
          writer.writeFile("notes" + round % 10 + ".txt", "round " + round);
        }
      }
    }
  }
}
