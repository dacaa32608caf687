package dev.smelt.cli;

import static dev.smelt.io.TestFiles.f32;

import dev.smelt.io.TestFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Small checkpoints for tests of commands that only read files. */
final class Models {
  static final String CONFIG =
      """
      {
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        "hidden_size": 2,
        "num_hidden_layers": 1,
        "num_local_experts": 2,
        "num_experts_per_tok": 1
      }
      """;

  private Models() {}

  /** A mixtral of one layer with two experts of width three; every weight has this value. */
  static Path moe(Path directory, float value) {
    String layer = "model.layers.0.block_sparse_moe.";
    SequencedMap<String, TestFiles.Values> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", filled(value, 4, 2));
    tensors.put(layer + "gate.weight", filled(value, 2, 2));
    for (int expert = 0; expert < 2; expert++) {
      tensors.put(layer + "experts." + expert + ".w1.weight", filled(value, 3, 2));
      tensors.put(layer + "experts." + expert + ".w2.weight", filled(value, 2, 3));
      tensors.put(layer + "experts." + expert + ".w3.weight", filled(value, 3, 2));
    }
    tensors.put("lm_head.weight", filled(value, 4, 2));
    return TestFiles.checkpoint(directory, CONFIG, tensors);
  }

  /** A model without experts. */
  static Path dense(Path directory) {
    SequencedMap<String, TestFiles.Values> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", filled(1, 4, 2));
    tensors.put("model.layers.0.mlp.up_proj.weight", filled(1, 3, 2));
    String config = "{\"model_type\": \"llama\", \"num_hidden_layers\": 1}";
    return TestFiles.checkpoint(directory, config, tensors);
  }

  private static TestFiles.Values filled(float value, int rows, int columns) {
    float[] values = new float[rows * columns];
    Arrays.fill(values, value);
    return f32(List.of((long) rows, (long) columns), values);
  }
}
