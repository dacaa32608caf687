package dev.smelt.cli;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Terminal;
import dev.smelt.io.FileTrees;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Loads the classes that short commands need, by running them on a tiny checkpoint.
 *
 * <p>The launcher starts this program to record an archive of these classes. It prints nothing.
 */
final class Warmup {
  private static final String CONFIG =
      """
      {"model_type": "mixtral", "hidden_size": 2, "rms_norm_eps": 1e-06, "rope_theta": 10000.0}\
      """;

  private Warmup() {}

  /** Runs the commands; takes no arguments. */
  public static void main(String[] arguments) throws IOException {
    Main.prepareNumbers();
    Path directory = Files.createTempDirectory("smelt-warmup");
    try {
      write(directory);
      String model = directory.toString();
      run("--version");
      run("--help");
      run("unknown");
      run("inspect", model);
      run("inspect", model, "--json");
      run("verify", model);
      run("diff", model, model);
    } finally {
      FileTrees.delete(directory);
    }
  }

  private static void run(String... arguments) {
    OutputStream nowhere = OutputStream.nullOutputStream();
    var unused = Main.run(new Console(nowhere, nowhere, Terminal.NONE), List.of(arguments));
  }

  /** A checkpoint of two shards with one tensor each. */
  private static void write(Path directory) throws IOException {
    Files.writeString(directory.resolve("config.json"), CONFIG);
    List<String> entries = new ArrayList<>();
    for (int layer = 0; layer < 2; layer++) {
      String shard = "model-0000%d-of-00002.safetensors".formatted(layer + 1);
      String name = "model.layers.%d.mlp.experts.0.up_proj.weight".formatted(layer);
      Files.write(directory.resolve(shard), safetensors(name));
      entries.add("\"%s\": \"%s\"".formatted(name, shard));
    }
    String index =
        "{\"metadata\": {\"total_size\": 32}, \"weight_map\": {%s}}"
            .formatted(String.join(", ", entries));
    Files.writeString(directory.resolve("model.safetensors.index.json"), index);
  }

  private static byte[] safetensors(String name) {
    byte[] header =
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}"
            .formatted(name)
            .getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + 16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }
}
