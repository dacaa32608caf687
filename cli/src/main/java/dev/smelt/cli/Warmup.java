package dev.smelt.cli;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Terminal;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Loads the classes that short commands need, by running them on a tiny checkpoint.
 *
 * <p>The launcher starts this program to record an archive of these classes. It prints nothing.
 */
final class Warmup {
  private static final String HEADER =
      "{\"model.layers.0.mlp.experts.0.up_proj.weight\":"
          + "{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";

  private Warmup() {}

  /** Runs the commands; takes no arguments. */
  public static void main(String[] arguments) throws IOException {
    Path directory = Files.createTempDirectory("smelt-warmup");
    Path config = directory.resolve("config.json");
    Path weights = directory.resolve("model.safetensors");
    try {
      Files.writeString(config, "{\"model_type\": \"mixtral\", \"hidden_size\": 2}");
      Files.write(weights, safetensors());
      String model = directory.toString();
      run("--version");
      run("--help");
      run("unknown");
      run("inspect", model);
      run("inspect", model, "--json");
      run("verify", model);
      run("diff", model, model);
    } finally {
      Files.deleteIfExists(config);
      Files.deleteIfExists(weights);
      Files.deleteIfExists(directory);
    }
  }

  private static void run(String... arguments) {
    OutputStream nowhere = OutputStream.nullOutputStream();
    var unused = Main.run(new Console(nowhere, nowhere, Terminal.NONE), List.of(arguments));
  }

  private static byte[] safetensors() {
    byte[] header = HEADER.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + 16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }
}
