package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.cli.console.Json;
import dev.smelt.compress.ExpertReport;
import dev.smelt.compress.LayerShape;
import dev.smelt.merge.ReducePlan;
import dev.smelt.model.ModelCost;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Torch;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.routing.repair.LayerRepair;
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
 * @param merge what left fewer experts in the same pass, if something did
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
    Optional<Merge> merge,
    List<ExpertReport> experts,
    SequencedMap<String, Double> seconds) {
  /** Copies the collections. */
  public CompressionReport {
    options = new LinkedHashMap<>(options);
    experts = List.copyOf(experts);
    seconds = new LinkedHashMap<>(seconds);
  }

  /**
   * What left fewer experts in the same pass.
   *
   * @param command {@code merge} or {@code drop}
   * @param method of it
   * @param options of it
   * @param repair how layers were repaired before their experts were compressed
   * @param layers what the repair did; the last error is that of the compressed experts
   */
  public record Merge(
      String command,
      String method,
      SequencedMap<String, Object> options,
      String repair,
      List<LayerRepair> layers) {}

  /**
   * What was calibrated on.
   *
   * @param hash of the tokens
   * @param sequences how many there were
   * @param tokens how many they had together
   * @param seed with which they were drawn
   */
  public record CalibrationOrigin(String hash, int sequences, long tokens, long seed) {}

  /**
   * What was written.
   *
   * @param form {@code stock} or {@code compact}
   * @param cost as planned
   * @param fileBytes planned bytes of the files of weights, headers included
   */
  record Output(String form, ModelCost cost, long fileBytes) {}

  static CompressionReport of(
      Session session,
      CompressionRequest request,
      Optional<CalibrationSet> set,
      Output output,
      List<ExpertReport> experts,
      Stopwatch stopwatch) {
    MoeModel model = session.model();
    List<CompactForm> source =
        model.moeLayers().stream()
            .map(moe -> LayerShape.stored(moe, model.architecture().hidden()))
            .toList();
    return new CompressionReport(
        Version.number(),
        "compress",
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        request.method().name(),
        request.named(),
        output.form(),
        set.map(s -> new CalibrationOrigin(s.hash(), s.sequences().size(), s.tokens(), s.seed())),
        Torch.threads(),
        ModelCost.of(model, source, model.checkpoint().totalBytes()),
        output.cost(),
        output.fileBytes(),
        Optional.empty(),
        experts,
        stopwatch.seconds());
  }

  /** The same for experts that were merged or dropped in the same pass. */
  CompressionReport after(ReducePlan plan, Repair repair, List<LayerRepair> repairs) {
    Merge merge =
        new Merge(plan.command(), plan.method(), plan.options(), repair.option(), repairs);
    return new CompressionReport(
        smelt,
        command,
        model,
        fingerprint,
        method,
        options,
        form,
        calibration,
        threads,
        before,
        after,
        fileBytes,
        Optional.of(merge),
        experts,
        seconds);
  }

  String json() {
    return Json.text(this) + "\n";
  }
}
