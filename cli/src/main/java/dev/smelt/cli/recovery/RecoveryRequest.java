package dev.smelt.cli.recovery;

import dev.smelt.cli.pipeline.Calibration;
import dev.smelt.routing.recover.DistillationOptions;
import dev.smelt.routing.recover.TrainedTensors;
import dev.smelt.routing.train.TrainingOptions;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a recovery is asked for.
 *
 * @param teacher the argument that names the teacher
 * @param mode layer by layer, or end to end
 * @param train which weights
 * @param refit whether down projections are refitted in closed form first; layer by layer only
 * @param text what to learn from
 * @param heldOut arguments that name what only judges; empty for an eighth of the text
 * @param batchTokens tokens of a step
 * @param training steps and rates, and when to stop
 * @param distillation the loss of the end-to-end mode
 * @param keep share of all neurons that is left beside the factors of a compact student at the end
 *     of a pruning, if it is wanted; end to end only
 * @param resume where the run is stored, and goes on from
 */
public record RecoveryRequest(
    String teacher,
    RecoveryMode mode,
    TrainedTensors train,
    boolean refit,
    Calibration text,
    List<String> heldOut,
    int batchTokens,
    TrainingOptions training,
    DistillationOptions distillation,
    Optional<Double> keep,
    Optional<Path> resume) {
  /** Copies the list. */
  public RecoveryRequest {
    heldOut = List.copyOf(heldOut);
  }

  /** The same for a vocabulary that may be smaller than the number of likeliest tokens. */
  public RecoveryRequest withLikeliest(int vocabulary) {
    DistillationOptions limited =
        new DistillationOptions(
            distillation.text(),
            distillation.teacher(),
            distillation.hidden(),
            distillation.temperature(),
            Math.min(distillation.likeliest(), vocabulary));
    return new RecoveryRequest(
        teacher, mode, train, refit, text, heldOut, batchTokens, training, limited, keep, resume);
  }

  /** Everything that decides the result but models, text and seed, by the names of the options. */
  public SequencedMap<String, Object> options() {
    SequencedMap<String, Object> options = new LinkedHashMap<>();
    options.put("mode", mode.option());
    options.put("train", train.option());
    options.put("steps", training.schedule().steps());
    options.put("batch", batchTokens);
    options.put("rate", training.schedule().rate());
    options.put("warm-up", training.schedule().warmUp());
    options.put("decay", training.schedule().decay().option());
    options.put("weight-decay", training.optimiser().weightDecay());
    if (Double.isFinite(training.clip())) {
      options.put("clip", training.clip());
    }
    options.put("check-every", training.checkEvery());
    options.put("patience", training.patience());
    options.put("checkpoint-every", training.saveEvery());
    if (mode == RecoveryMode.LAYERWISE) {
      options.put("refit", refit);
    } else {
      options.put("text-weight", distillation.text());
      options.put("teacher-weight", distillation.teacher());
      options.put("hidden-weight", distillation.hidden());
      options.put("temperature", distillation.temperature());
      options.put("likeliest", distillation.likeliest());
      keep.ifPresent(share -> options.put("keep", share));
    }
    return Collections.unmodifiableSequencedMap(options);
  }
}
