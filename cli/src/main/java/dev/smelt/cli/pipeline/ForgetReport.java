package dev.smelt.cli.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.unlearn.measure.Continuations.Continuation;
import dev.smelt.unlearn.measure.LayerRouting;
import dev.smelt.unlearn.measure.Membership;
import dev.smelt.unlearn.measure.Relearning;
import java.util.List;
import java.util.Optional;

/**
 * What was forgotten and what was kept; written as JSON with exactly these names.
 *
 * @param smelt version of smelt
 * @param before name and fingerprint of the model before
 * @param after name and fingerprint of the model after
 * @param length tokens per window
 * @param forget measures on the forget set
 * @param retain measures on the retain set
 * @param holdout measures on the holdout set, if there is one
 * @param membership membership inference before and after, if there is a holdout set
 * @param relearning loss of one half of the forget set while all weights are fine-tuned on the
 *     other half, if that was asked for
 * @param tofu answers to TOFU's questions, if there are any
 */
public record ForgetReport(
    String smelt,
    Model before,
    Model after,
    int length,
    SetReport forget,
    SetReport retain,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<SetReport> holdout,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Membership>> membership,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<List<Relearning.Point>>> relearning,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<TofuReport> tofu) {

  /**
   * A model.
   *
   * @param name of its directory
   * @param fingerprint of the checkpoint
   */
  public record Model(String name, String fingerprint) {}

  /**
   * Something of both models.
   *
   * @param before of the model before
   * @param after of the model after
   * @param <T> what
   */
  public record Pair<T>(T before, T after) {}

  /**
   * How well a model knows a set.
   *
   * @param loss mean negative log-likelihood per predicted token, in nats
   * @param perplexity its exponential
   * @param exactMemorisation share of tokens that are the most likely ones
   * @param extractionStrength share of the end of a window that can be said by heart
   * @param recall ROUGE-L recall of greedy continuations, if there were any
   */
  public record Knowledge(
      double loss,
      double perplexity,
      double exactMemorisation,
      double extractionStrength,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Double> recall) {}

  /**
   * Measures on a set.
   *
   * @param windows number of windows
   * @param tokens predicted tokens
   * @param before how well the model before knows it
   * @param after how well the model after knows it
   * @param forcedLoss loss of the model after with the routing of the model before
   * @param divergence mean Kullback-Leibler divergence from before to after, in nats
   * @param routingOverlap mean over layers and tokens of the share of the chosen experts that were
   *     chosen before too
   * @param layers the same by layer, with the share of tokens that each expert gets
   * @param examples a few continuations by the model before and the model after
   */
  public record SetReport(
      int windows,
      long tokens,
      Knowledge before,
      Knowledge after,
      double forcedLoss,
      double divergence,
      double routingOverlap,
      List<LayerRouting> layers,
      List<Pair<Continuation>> examples) {}

  /**
   * Answers to TOFU's questions.
   *
   * @param forgetProbability mean probability of true answers on the forget set
   * @param forgetRecall mean ROUGE-L recall of answers on the forget set
   * @param forgetTruth mean of {@code max(0, 1 - truth ratio)} on the forget set
   * @param forgetQuality p-value against the reference model, if there is one
   * @param utility model utility, if all three sets are given
   */
  public record TofuReport(
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Double>> forgetProbability,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Double>> forgetRecall,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Double>> forgetTruth,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Double>> forgetQuality,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Pair<Double>> utility) {}
}
