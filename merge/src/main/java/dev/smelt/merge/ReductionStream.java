package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.model.TokenBatch;
import dev.smelt.routing.StreamStatistics;
import dev.smelt.routing.repair.RepairOptions;
import java.util.List;

/**
 * The tokens of a reduction that streams, and what is done with them.
 *
 * @param planning when each layer is planned
 * @param repair how layers are repaired
 * @param compute type of the forward passes
 * @param seed of the sample, and of the split into tokens to learn from and to judge
 * @param sampleTokens tokens to sample for methods that compare what experts compute
 * @param batches calibration tokens
 */
public record ReductionStream(
    Planning planning,
    RepairOptions repair,
    Dtype compute,
    long seed,
    int sampleTokens,
    List<TokenBatch> batches) {
  /** Copies the list. */
  public ReductionStream {
    batches = List.copyOf(batches);
  }

  /** Where the statistics of a layer come from. */
  PlannedEdit.Source source(Reducer reducer, ReducePlan plan) {
    if (planning == Planning.BEFORE) {
      return new PlannedEdit.Known(plan);
    }
    long tokens = batches.stream().mapToLong(TokenBatch::tokens).sum();
    var gathering = new StreamStatistics(reducer.model(), tokens, sampleTokens, seed);
    return planning == Planning.REDUCED
        ? new PlannedEdit.Reduced(gathering)
        : new PlannedEdit.Original(gathering);
  }

  boolean repairs() {
    return repair.refit().isPresent();
  }
}
