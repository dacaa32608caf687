package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.List;
import java.util.Set;

/** Refuses quantised checkpoints whose format smelt does not read. */
final class Quantisation {
  private static final String METHOD = "quantization_config.quant_method";
  private static final String BLOCK = "quantization_config.weight_block_size";
  private static final Set<String> SUPPORTED = Set.of("fp8", "mxfp4");

  private Quantisation() {}

  /** Every FP8 tensor must have its scales. */
  static void checkScales(Checkpoint checkpoint) {
    List<String> problems =
        checkpoint.tensors().values().stream()
            .filter(tensor -> tensor.dtype().code().startsWith("F8"))
            .filter(tensor -> checkpoint.find(tensor.name() + Fp8.SCALES).isEmpty())
            .map(
                tensor ->
                    "%s: tensor '%s' has type %s, but '%s' is missing"
                        .formatted(
                            tensor.file(),
                            tensor.name(),
                            tensor.dtype(),
                            tensor.name() + Fp8.SCALES))
            .toList();
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECKPOINT, problems, "download the checkpoint again, all of its files");
    }
  }

  static void check(ModelConfig config) {
    if (!config.has("quantization_config")) {
      return;
    }
    String method = config.text(METHOD, "");
    if (!SUPPORTED.contains(method)) {
      throw SmeltException.unsupported(
          config.origin() + ": quantisation '" + method + "' is not supported",
          "smelt reads fp8 with weight_block_size, mxfp4, and checkpoints that are not quantised");
    }
    if (method.equals("fp8") && !config.at(BLOCK).isArray()) {
      throw SmeltException.unsupported(
          config.origin() + ": fp8 without 'weight_block_size' is not supported",
          "smelt reads fp8 with a scale for each block");
    }
  }
}
