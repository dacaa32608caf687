package dev.smelt.cli.comparison;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The outcome of a comparison; written as JSON with exactly these names.
 *
 * @param smelt version of smelt
 * @param model name of the source directory
 * @param fingerprint of the source checkpoint
 * @param text what was calibrated on
 * @param statistics where the calibration tokens came from
 * @param calibrationSeconds wall time of the pass whose statistics all methods share
 * @param validation files on which losses were measured
 * @param length tokens per calibration sequence and per window of the validation
 * @param threads threads of the matrix library
 * @param original the source itself
 * @param results one for each method and ratio, in the order in which they were measured
 * @param failures methods that cannot reduce this model to this size
 */
public record ComparisonReport(
    String smelt,
    String model,
    String fingerprint,
    List<String> text,
    Origin statistics,
    double calibrationSeconds,
    List<String> validation,
    int length,
    int threads,
    Result original,
    List<Result> results,
    List<Failure> failures) {
  /** Copies the lists. */
  public ComparisonReport {
    text = List.copyOf(text);
    validation = List.copyOf(validation);
    results = List.copyOf(results);
    failures = List.copyOf(failures);
  }

  /**
   * A measured model.
   *
   * @param method name as in {@code --methods}; {@code original} for the source
   * @param ratio share of the experts that was to be removed; 0 for the source
   * @param experts experts in each layer
   * @param bytes of all tensors
   * @param loss mean over files of the mean negative log-likelihood per token, in nats
   * @param perplexity its exponential
   * @param files the loss on each file, in the order of {@code validation}
   * @param keptGateMass share of the original gate values that went to the surviving or dominant
   *     experts, mean over layers
   * @param seconds wall time of reducing and writing, without the shared pass and the measurement
   */
  public record Result(
      String method,
      double ratio,
      int experts,
      long bytes,
      double loss,
      double perplexity,
      List<Double> files,
      double keptGateMass,
      double seconds) {
    /** Copies the list. */
    public Result {
      files = List.copyOf(files);
    }

    /** Whether no other is both as small and better, or smaller and as good. */
    private boolean isOnFront(List<Result> others) {
      return others.stream()
          .noneMatch(
              o ->
                  (o.bytes() < bytes && o.loss() <= loss)
                      || (o.bytes() <= bytes && o.loss() < loss));
    }
  }

  /**
   * A method that cannot reduce this model to this size.
   *
   * @param method name as in {@code --methods}
   * @param ratio share of the experts that was to be removed
   * @param reason the message of the method
   */
  public record Failure(String method, double ratio, String reason) {}

  /** The same with another result. */
  ComparisonReport with(Result result) {
    List<Result> more = new ArrayList<>(results);
    more.add(result);
    return copy(more, failures);
  }

  /** The same with another failure. */
  ComparisonReport with(Failure failure) {
    List<Failure> more = new ArrayList<>(failures);
    more.add(failure);
    return copy(results, more);
  }

  private ComparisonReport copy(List<Result> measured, List<Failure> failed) {
    return new ComparisonReport(
        smelt,
        model,
        fingerprint,
        text,
        statistics,
        calibrationSeconds,
        validation,
        length,
        threads,
        original,
        measured,
        failed);
  }

  /** Method and ratio of the results on the Pareto front, smallest first. */
  @JsonProperty("front")
  List<String> frontNames() {
    return front().stream().map(result -> result.method() + " " + result.ratio()).toList();
  }

  /** The source and all results. */
  List<Result> measured() {
    List<Result> all = new ArrayList<>(results);
    all.addFirst(original);
    return all;
  }

  /** The results that are on the Pareto front of size and loss, smallest first. */
  public List<Result> front() {
    List<Result> all = measured();
    return all.stream()
        .filter(result -> result.isOnFront(all))
        .sorted(Comparator.comparingLong(Result::bytes))
        .toList();
  }
}
