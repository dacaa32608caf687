package dev.smelt.cli.recovery;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.routing.recover.PrunedStudent;
import dev.smelt.routing.repair.LayerRepair;
import dev.smelt.routing.train.TrainingHistory;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a recovery did; written as JSON with exactly these names. All of it follows from the inputs,
 * except {@code seconds}.
 *
 * @param smelt version of smelt
 * @param command {@code recover}
 * @param student what was trained
 * @param teacher what it learnt from
 * @param options what was asked for
 * @param text the tokens
 * @param compute type of the computation
 * @param seed of everything drawn at random
 * @param threads threads of the matrix library
 * @param trainedParameters how many weights were trained
 * @param training how it went, over all layers or of the whole model
 * @param layers errors of each layer, relative to the teacher's output; empty end to end
 * @param pruning what became of neurons that were kept beside factors; absent unless it was asked
 *     for
 * @param seconds wall time by stage
 */
public record RecoveryReport(
    String smelt,
    String command,
    Model student,
    Model teacher,
    SequencedMap<String, Object> options,
    Text text,
    String compute,
    long seed,
    int threads,
    long trainedParameters,
    List<Training> training,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<LayerRepair> layers,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pruning> pruning,
    SequencedMap<String, Double> seconds) {
  /** The name of the report in the output directory. */
  public static final String FILE_NAME = "smelt-report.json";

  /**
   * A model.
   *
   * @param name of its directory
   * @param fingerprint of the checkpoint
   */
  public record Model(String name, String fingerprint) {}

  /**
   * The text.
   *
   * @param hash of all token ids
   * @param sequences all of them
   * @param heldOut how many only judge
   * @param tokens of all of them
   */
  public record Text(String hash, int sequences, int heldOut, long tokens) {}

  /**
   * Neurons that are kept beside factors, over all matrices.
   *
   * @param neuronsBefore at the start
   * @param neuronsAfter at the end
   */
  public record Pruning(long neuronsBefore, long neuronsAfter) {
    static Pruning of(PrunedStudent student) {
      return new Pruning(student.before(), student.after());
    }
  }

  /**
   * One training. Losses are those of the loss that was minimised, on held-out tokens.
   *
   * @param layer the decoder layer; absent for the whole model
   * @param stop why it ended
   * @param steps steps that were made
   * @param tokens of all steps
   * @param bestStep step after which the loss was lowest; these weights are kept
   * @param heldOutBefore loss at the start
   * @param heldOutAfter the lowest loss
   */
  public record Training(
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Integer> layer,
      String stop,
      int steps,
      long tokens,
      int bestStep,
      double heldOutBefore,
      double heldOutAfter) {
    static Training of(Optional<Integer> layer, TrainingHistory history) {
      return new Training(
          layer,
          history.stop().name().toLowerCase(Locale.ROOT),
          history.points().size(),
          history.points().isEmpty() ? 0 : history.points().getLast().tokens(),
          history.bestStep(),
          history.heldOutBefore(),
          history.heldOutAfter());
    }
  }

  /** Copies the lists. */
  public RecoveryReport {
    training = List.copyOf(training);
    layers = List.copyOf(layers);
  }
}
