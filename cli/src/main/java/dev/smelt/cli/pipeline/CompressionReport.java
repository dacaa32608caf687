package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Json;
import dev.smelt.compress.ExpertReport;
import dev.smelt.model.ModelCost;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a compression did, as it stands in the output directory.
 *
 * <p>All of it follows from the inputs, except {@code seconds}.
 *
 * @param smelt version of smelt
 * @param command what was run
 * @param model name of the source directory
 * @param fingerprint of the source checkpoint
 * @param method name of the method
 * @param options what it was asked for
 * @param form {@code stock} or {@code compact}
 * @param calibration what it was calibrated on, if it was
 * @param threads threads of the matrix library
 * @param before cost of the source
 * @param after cost of the output, as planned before anything was written
 * @param fileBytes planned bytes of the files of weights, headers included
 * @param experts what became of each expert
 * @param seconds wall time by stage; the only part that differs between two runs
 */
public record CompressionReport(
    String smelt,
    String command,
    String model,
    String fingerprint,
    String method,
    SequencedMap<String, Object> options,
    String form,
    Optional<CalibrationOrigin> calibration,
    int threads,
    ModelCost before,
    ModelCost after,
    long fileBytes,
    List<ExpertReport> experts,
    SequencedMap<String, Double> seconds) {
  /** Copies the collections. */
  public CompressionReport {
    options = new LinkedHashMap<>(options);
    experts = List.copyOf(experts);
    seconds = new LinkedHashMap<>(seconds);
  }

  /**
   * What was calibrated on.
   *
   * @param hash of the tokens
   * @param sequences how many there were
   * @param tokens how many they had together
   * @param seed with which they were drawn
   */
  public record CalibrationOrigin(String hash, int sequences, long tokens, long seed) {}

  String json() {
    return Json.text(this) + "\n";
  }
}
