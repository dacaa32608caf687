package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.cli.console.Json;
import dev.smelt.merge.Group;
import dev.smelt.merge.LayerPlan;
import dev.smelt.merge.MergeOptions;
import dev.smelt.merge.MergePlan;
import dev.smelt.merge.Merging.LayerAlignment;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * What a merge did, as it stands in the output directory.
 *
 * <p>All of it follows from the inputs, except {@code seconds}.
 *
 * @param smelt version of smelt
 * @param command what was run
 * @param model name of the source directory
 * @param fingerprint of the source checkpoint
 * @param method of the merge
 * @param options what the method was asked for
 * @param statistics where the routing statistics came from
 * @param threads threads of the matrix library
 * @param expertsBefore experts in each layer of the source
 * @param expertsAfter experts in each layer of the output
 * @param bytesBefore bytes of all tensors of the source
 * @param bytesAfter bytes of all tensors of the output
 * @param layers what became of each layer
 * @param seconds wall time by stage; the only part that differs between two runs
 */
public record MergeReport(
    String smelt,
    String command,
    String model,
    String fingerprint,
    String method,
    SequencedMap<String, Object> options,
    Origin statistics,
    int threads,
    int expertsBefore,
    int expertsAfter,
    long bytesBefore,
    long bytesAfter,
    List<LayerReport> layers,
    SequencedMap<String, Double> seconds) {
  /** The name of the report in the output directory. */
  public static final String FILE_NAME = "smelt-report.json";

  /**
   * What became of one layer.
   *
   * @param layer index of the decoder layer
   * @param groups experts that became one
   * @param cosineBefore mean cosine of members to their dominant expert, in the order on disk
   * @param cosineAfter the same after the alignment
   * @param fixedNeurons mean share of neurons that the alignment left where they were
   */
  public record LayerReport(
      int layer,
      List<Group> groups,
      double cosineBefore,
      double cosineAfter,
      double fixedNeurons) {}

  static MergeReport of(
      Session session,
      Origin origin,
      MergePlan plan,
      List<LayerAlignment> alignments,
      Stopwatch stopwatch) {
    MoeModel model = session.model();
    List<LayerReport> layers = new ArrayList<>();
    for (int i = 0; i < plan.layers().size(); i++) {
      layers.add(layer(plan.layers().get(i), alignments.get(i)));
    }
    return new MergeReport(
        Version.number(),
        "merge",
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        plan.method(),
        named(plan.options()),
        origin,
        Torch.threads(),
        model.moeLayers().getFirst().experts().count(),
        plan.options().experts(),
        model.checkpoint().tensors().values().stream().mapToLong(t -> t.bytes()).sum(),
        plan.bytesAfter(model),
        layers,
        new LinkedHashMap<>(stopwatch.seconds()));
  }

  private static LayerReport layer(LayerPlan plan, LayerAlignment alignment) {
    return new LayerReport(
        plan.layer(), plan.groups(), alignment.before(), alignment.after(), alignment.fixedShare());
  }

  /** The options under their names on the command line. */
  static SequencedMap<String, Object> named(MergeOptions options) {
    SequencedMap<String, Object> named = new LinkedHashMap<>();
    named.put("experts", options.experts());
    named.put("similarity", options.similarity().option());
    named.put("align", options.align().option());
    named.put("weights", options.weights().option());
    named.put("router", options.router().option());
    return named;
  }

  String json() {
    return Json.text(this) + "\n";
  }
}
