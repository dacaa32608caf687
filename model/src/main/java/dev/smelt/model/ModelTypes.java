package dev.smelt.model;

import dev.smelt.io.SmeltException;
import java.util.Collection;
import java.util.Comparator;
import java.util.Map;

/** Other names of supported model types, and answers to those that are not supported. */
final class ModelTypes {
  /** Language models inside larger ones, and checkpoints that only bear another name. */
  private static final Map<String, String> SAME_AS =
      Map.of(
          "kimi_k2", "deepseek_v3",
          "qwen3_vl_moe_text", "qwen3_moe",
          "qwen3_omni_moe_text", "qwen3_moe",
          "glm4v_moe_text", "glm4_moe");

  private static final Map<String, String> REASONS =
      Map.of(
          "jetmoe", "its attention has experts too",
          "nllb-moe", "it is an encoder-decoder with a capacity per expert",
          "nllb_moe", "it is an encoder-decoder with a capacity per expert");

  private ModelTypes() {}

  /** The model type whose description fits. */
  static String canonical(String modelType) {
    return SAME_AS.getOrDefault(modelType, modelType);
  }

  /** What to say of a model type without a description. */
  static SmeltException unsupported(String modelType, Collection<String> supported) {
    String nearest =
        supported.stream()
            .min(Comparator.comparingInt(name -> distance(name, modelType)))
            .orElse("");
    String reason = REASONS.containsKey(modelType) ? ": " + REASONS.get(modelType) : "";
    return SmeltException.unsupported(
        "model_type '" + modelType + "' is not supported" + reason,
        "nearest supported type: "
            + nearest
            + "; 'smelt families' lists all, CONTRIBUTING.md shows how to add one");
  }

  /** Levenshtein distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(Math.min(above, row[j - 1]) + 1, diagonal + change);
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
