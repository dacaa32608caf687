package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Chooses the files beside the weights that a rewritten checkpoint takes over.
 *
 * <ul>
 *   <li>At the top: every regular file that is not config.json, weights in any format, an index of
 *       weights, training state, a report or recipe of smelt, or hidden.
 *   <li>In subdirectories: only code and small text formats, and nothing at all from a subdirectory
 *       that holds weights itself, because that is another export of the old model.
 * </ul>
 */
final class SideFiles {
  private static final Set<String> OWN =
      Set.of(
          Checkpoint.CONFIG,
          "smelt-report.json",
          "smelt-recipe.yaml",
          "smelt-curves.csv",
          "smelt-curves.png");
  private static final Set<String> WEIGHTS =
      Set.of(
          "safetensors",
          "pth",
          "pt",
          "ckpt",
          "gguf",
          "ggml",
          "h5",
          "msgpack",
          "onnx",
          "onnx_data",
          "tflite",
          "npz",
          "distcp",
          "nemo",
          "ot",
          "mlmodel");
  private static final List<String> WEIGHT_BIN_PREFIXES =
      List.of(
          "pytorch_model",
          "model",
          "adapter_model",
          "consolidated",
          "ggml",
          "optimizer",
          "training_args",
          "openvino");
  private static final Set<String> NESTED =
      Set.of("py", "json", "txt", "jinja", "model", "tiktoken", "md", "yaml");

  private SideFiles() {}

  static List<Path> list(Path directory, Containment containment) throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path entry : visible(directory)) {
      if (Files.isDirectory(entry)) {
        addNested(entry, containment, found);
      } else if (Files.isRegularFile(entry) && isWanted(entry)) {
        found.add(containment.require(entry));
      }
    }
    return List.copyOf(found);
  }

  private static void addNested(Path directory, Containment containment, List<Path> found)
      throws IOException {
    if (Files.isSymbolicLink(directory)) {
      containment.require(directory);
      return;
    }
    List<Path> entries = visible(directory);
    if (entries.stream().anyMatch(SideFiles::isWeights)) {
      return;
    }
    for (Path entry : entries) {
      if (Files.isDirectory(entry)) {
        addNested(entry, containment, found);
      } else if (Files.isRegularFile(entry) && NESTED.contains(extension(name(entry)))) {
        found.add(containment.require(entry));
      }
    }
  }

  private static List<Path> visible(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .filter(entry -> !name(entry).startsWith(".") && !name(entry).equals("__pycache__"))
          .sorted()
          .toList();
    }
  }

  private static boolean isWanted(Path file) {
    return !OWN.contains(name(file)) && !isWeights(file);
  }

  private static boolean isWeights(Path file) {
    String name = name(file);
    return WEIGHTS.contains(extension(name))
        || name.endsWith(".safetensors.index.json")
        || name.endsWith(".bin.index.json")
        || (extension(name).equals("bin")
            && WEIGHT_BIN_PREFIXES.stream().anyMatch(name::startsWith));
  }

  private static String extension(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
  }
}
