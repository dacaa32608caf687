package dev.smelt.cli.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.cli.Version;
import dev.smelt.cli.console.Json;
import dev.smelt.merge.LayerAlignment;
import dev.smelt.merge.LayerPlan;
import dev.smelt.merge.ReducePlan;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Torch;
import dev.smelt.routing.RoutingStatistics.Origin;
import dev.smelt.routing.repair.LayerRepair;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a reduction did, as it stands in the output directory.
 *
 * <p>All of it follows from the inputs, except {@code seconds}.
 *
 * @param smelt version of smelt
 * @param command what was run
 * @param model name of the source directory
 * @param fingerprint of the source checkpoint
 * @param method of the merge, or criterion
 * @param options what the method was asked for
 * @param statistics where the routing statistics came from
 * @param threads threads of the matrix library
 * @param expertsBefore experts in each layer of the source
 * @param expertsAfter experts in each layer of the output
 * @param bytesBefore bytes of all tensors of the source
 * @param bytesAfter bytes of all tensors of the output
 * @param repair what was done to each reduced layer
 * @param layers what became of each layer
 * @param seconds wall time by stage; the only part that differs between two runs
 */
public record ReductionReport(
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
    String repair,
    List<LayerReport> layers,
    SequencedMap<String, Double> seconds) {
  /** The name of the report in the output directory. */
  public static final String FILE_NAME = "smelt-report.json";

  /**
   * What became of one layer.
   *
   * @param layer index of the decoder layer
   * @param groups experts that became one; without members of dropped experts
   * @param alignment how well neurons matched, if anything was aligned
   * @param repaired errors before and after the repair, if there was one
   */
  public record LayerReport(
      int layer,
      List<GroupReport> groups,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<AlignmentReport> alignment,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<LayerRepair> repaired) {}

  /**
   * Experts that became one.
   *
   * @param dominant the expert whose place and router row the result has
   * @param members all experts of the group
   * @param weights their shares in the average
   */
  public record GroupReport(int dominant, List<Integer> members, List<Double> weights) {}

  /**
   * How well neurons matched.
   *
   * @param cosineBefore mean cosine of members to their dominant expert, in the order on disk
   * @param cosineAfter the same after the alignment
   * @param fixedNeurons mean share of neurons that the alignment left where they were
   */
  public record AlignmentReport(double cosineBefore, double cosineAfter, double fixedNeurons) {}

  static ReductionReport of(
      ReductionTask task,
      Origin origin,
      ReducePlan plan,
      long bytesAfter,
      List<LayerAlignment> alignments,
      List<LayerRepair> repairs,
      Stopwatch stopwatch) {
    MoeModel model = task.session().model();
    SequencedMap<String, Object> options = new LinkedHashMap<>(plan.options());
    task.planOn().ifPresent(how -> options.put("plan-on", how));
    options.putAll(task.form().chosen());
    return new ReductionReport(
        Version.number(),
        plan.command(),
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        plan.method(),
        options,
        origin,
        Torch.threads(),
        model.moeLayers().getFirst().experts().count(),
        plan.experts(),
        model.checkpoint().tensors().values().stream().mapToLong(t -> t.bytes()).sum(),
        bytesAfter,
        task.repair().option(),
        plan.layers().stream().map(layer -> layer(layer, alignments, repairs)).toList(),
        new LinkedHashMap<>(stopwatch.seconds()));
  }

  private static LayerReport layer(
      LayerPlan plan, List<LayerAlignment> alignments, List<LayerRepair> repairs) {
    return new LayerReport(
        plan.layer(),
        plan.groups().stream()
            .map(g -> new GroupReport(g.dominant(), g.members(), g.weights()))
            .toList(),
        alignments.stream()
            .filter(a -> a.layer() == plan.layer() && !a.alignments().isEmpty())
            .map(a -> new AlignmentReport(a.before(), a.after(), a.fixedShare()))
            .findFirst(),
        repairs.stream()
            .filter(r -> r.layer() == plan.layer())
            .findFirst()
            .map(LayerRepair::brief));
  }

  String json() {
    return Json.text(this) + "\n";
  }
}
