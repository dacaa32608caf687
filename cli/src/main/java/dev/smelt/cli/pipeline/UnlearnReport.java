package dev.smelt.cli.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.cli.Version;
import dev.smelt.cli.console.Json;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Torch;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.unlearn.attribution.Attribution;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.training.Check;
import dev.smelt.unlearn.training.HeldOut;
import dev.smelt.unlearn.training.TrainOptions;
import dev.smelt.unlearn.training.TrainResult;
import dev.smelt.unlearn.training.Trainer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What was forgotten and how, as it stands in the output directory.
 *
 * <p>All of it follows from the inputs, except {@code seconds}.
 *
 * @param smelt version of smelt
 * @param command what was run
 * @param model name of the source directory
 * @param fingerprint of the source checkpoint
 * @param loss what was minimised
 * @param constants of the loss
 * @param training how it was trained
 * @param targets the target experts
 * @param trainedParameters number of weights that were trained
 * @param trainedShare their share of all weights
 * @param changedTensors names of the tensors that were written anew
 * @param forget the forget set
 * @param retain the retain set, if there is one
 * @param overlap share of the retain tokens in runs that the forget set has too
 * @param outcome how training ended: reached, steps, diverged or stalled
 * @param bestStep the step whose weights were kept; 0 if none was better than the start
 * @param before losses on held-out sequences at the start
 * @param after the same with the weights as they are stored in the output
 * @param checks the losses over time
 * @param threads threads of the matrix library
 * @param seconds wall time by stage; the only part that differs between two runs
 */
public record UnlearnReport(
    String smelt,
    String command,
    String model,
    String fingerprint,
    String loss,
    LossConstants constants,
    Training training,
    List<Target> targets,
    long trainedParameters,
    double trainedShare,
    List<String> changedTensors,
    TextSet forget,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<TextSet> retain,
    double overlap,
    String outcome,
    int bestStep,
    HeldOut before,
    HeldOut after,
    List<Check> checks,
    int threads,
    SequencedMap<String, Double> seconds) {

  /**
   * How it was trained.
   *
   * @param train expert, layer or all
   * @param select how targets were chosen; named if the user gave them
   * @param retainLoss nll or kl
   * @param anchor factor on the router anchor
   * @param lr learning rate
   * @param clip bound on the norm of the gradients
   * @param steps steps at most
   * @param batch sequences of each set in a step
   * @param checkEvery steps between two looks at held-out sequences
   * @param stop the stop rule
   * @param seed of everything random
   * @param compute number format
   */
  public record Training(
      String train,
      String select,
      String retainLoss,
      double anchor,
      double lr,
      double clip,
      int steps,
      int batch,
      int checkEvery,
      String stop,
      long seed,
      String compute) {}

  /**
   * A target expert.
   *
   * @param layer index of the decoder layer
   * @param expert its number
   * @param affinity on the forget set
   * @param share share of the forget tokens that are routed to it
   */
  public record Target(int layer, int expert, double affinity, double share) {}

  /**
   * A set of sequences.
   *
   * @param sequences number of sequences, held-out ones included
   * @param tokens number of tokens
   * @param length tokens per sequence at most
   * @param hash of the sequences
   */
  public record TextSet(int sequences, long tokens, int length, String hash) {
    static TextSet of(CalibrationSet set) {
      return new TextSet(set.sequences().size(), set.tokens(), set.length(), set.hash());
    }
  }

  static UnlearnReport of(
      UnlearnTask task,
      TrainOptions options,
      CalibrationSet forget,
      Optional<CalibrationSet> retain,
      Attribution attribution,
      List<ExpertId> targets,
      Trainer trainer,
      TrainResult result,
      double overlap,
      Stopwatch stopwatch) {
    MoeModel model = task.session().model();
    long all =
        model.checkpoint().tensors().values().stream().mapToLong(UnlearnReport::elements).sum();
    SequencedMap<String, Double> seconds = new LinkedHashMap<>(stopwatch.seconds());
    seconds.put("step", result.secondsPerStep());
    return new UnlearnReport(
        Version.number(),
        "unlearn",
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint(),
        options.loss().name(),
        options.constants(),
        training(task, options),
        targets.stream().map(id -> target(id, attribution)).toList(),
        trainer.weights().count(),
        (double) trainer.weights().count() / all,
        trainer.patches().stream().map(patch -> patch.tensor().name()).distinct().toList(),
        TextSet.of(forget),
        retain.map(TextSet::of),
        overlap,
        result.outcome().toString(),
        result.bestStep(),
        result.before(),
        result.after(),
        result.checks(),
        Torch.threads(),
        seconds);
  }

  private static Training training(UnlearnTask task, TrainOptions options) {
    UnlearnTask.Request request = task.request();
    return new Training(
        request.scale().option(),
        request.targets().isEmpty() ? request.selection().option() : "named",
        options.retainTerm().option(),
        options.anchor(),
        options.rate(),
        options.clip(),
        options.steps(),
        options.batch(),
        options.checkEvery(),
        request.rule().toString(),
        options.seed(),
        task.session().compute().code());
  }

  private static Target target(ExpertId id, Attribution attribution) {
    return new Target(
        id.layer(), id.expert(), attribution.forget().of(id), attribution.forget().share(id));
  }

  private static long elements(StoredTensor tensor) {
    return tensor.dtype().bytes() == 0 ? 0 : tensor.bytes() / tensor.dtype().bytes();
  }

  String json() {
    return Json.text(this) + "\n";
  }
}
